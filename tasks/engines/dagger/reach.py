"""Finds an engine of containers, and checks within a second whether it answers.

Dagger's command line retries a dead address silently for ten minutes, so sockets are checked here first.
"""

import errno
import json
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
SESSION_PORT, SESSION_TOKEN = "DAGGER_SESSION_PORT", "DAGGER_SESSION_TOKEN"
PATIENCE = 0.9
"""Seconds for a connection."""
RUNTIME_PATIENCE = 3.0
"""Seconds for an answer of a container runtime."""
DOCKER_SOCKET = "/var/run/docker.sock"
# for each program, the command that queries its daemon
RUNTIMES = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "podman": ("podman", "version", "--format", "{{.Client.Version}}"),
    "nerdctl": ("nerdctl", "version", "--format", "{{.Client.Version}}"),
    "finch": ("finch", "version"),
    "container": ("container", "system", "status"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The way to an engine. `trouble`: why it is not available. `starts`: an engine may have to be started.

    `summary` says either in at most eight words.
    """

    by: str = ""
    trouble: str = ""
    starts: bool = False
    summary: str = ""

    @property
    def is_there(self) -> bool:
        """Whether an engine seems to be available."""
        return bool(self.by) and not self.trouble


def find_engine(environ: Mapping[str, str]) -> Reach:
    """The engine that the environment names, and whether it answers. Takes a second if it does not."""
    if port := environ.get(SESSION_PORT):
        return find_session(port, has_token=bool(environ.get(SESSION_TOKEN)))
    if host := environ.get(RUNNER_HOST):
        by = f"the Dagger engine at {host}"
        if trouble := address_error(host):
            summary = "the configured Dagger engine does not answer"
            return Reach(by=by, trouble=f"no Dagger engine at {host}: {trouble}", summary=summary)
        return Reach(by=by, summary="the configured Dagger engine")
    return find_runtime(environ)


def find_session(port: str, *, has_token: bool) -> Reach:
    """The Dagger session whose port the environment names."""
    by = f"the Dagger session at port {port}"
    if not has_token:
        trouble = f"{SESSION_PORT} is set without {SESSION_TOKEN}"
        return Reach(by=by, trouble=trouble, summary="the Dagger session has no token")
    if trouble := port_error("127.0.0.1", port):
        trouble = f"the Dagger session does not answer: {trouble}"
        return Reach(by=by, trouble=trouble, summary="the Dagger session does not answer")
    return Reach(by=by, summary="the Dagger session of this process")


def address_error(address: str) -> str:
    """Why no engine answers at an address; empty if one does, or if only Dagger itself can find out."""
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return socket_error(parts.path or parts.netloc)
    if parts.scheme in {"tcp", "tls"}:
        if not parts.hostname or parts.port is None:
            return f"{RUNNER_HOST} needs a host and a port"
        return port_error(parts.hostname, str(parts.port))
    if not parts.scheme:
        return f"{RUNNER_HOST} is not an address: write unix:///path, tcp://host:port or ssh://user@host"
    return ""


def socket_error(path: str) -> str:
    """Why a connection to a unix socket fails; empty if it succeeds."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(path)
        except OSError as error:
            return str(error.strerror or error)
    return ""


def port_error(host: str, port: str) -> str:
    """Why a connection to a TCP port fails; empty if it succeeds."""
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def find_runtime(environ: Mapping[str, str]) -> Reach:
    """A container runtime in which Dagger can start its engine."""
    troubles: dict[str, str] = {}
    for name, command in RUNTIMES.items():
        program = shutil.which(name, path=environ.get("PATH"))
        if program is None:
            continue
        trouble = daemon_trouble(name, (program, *command[1:]), environ)
        if not trouble:
            return Reach(by=f"an engine in {name}", starts=True, summary=f"an engine in {name}")
        troubles[name] = trouble
    if troubles:
        return Reach(trouble="; ".join(troubles.values()), summary=f"{' and '.join([*troubles][:2])} cannot be used")
    none = f"no {RUNNER_HOST}, no Dagger session and no container runtime ({', '.join(RUNTIMES)}) was found"
    return Reach(trouble=none, summary="no Dagger engine or container runtime found")


def daemon_trouble(name: str, command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Why the daemon of a runtime does not answer; empty if it does."""
    if name == "docker" and "DOCKER_HOST" not in environ and socket_error(DOCKER_SOCKET) == "Permission denied":
        return f"{name} is installed, but this user may not use {DOCKER_SOCKET}"
    try:
        asked = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUNTIME_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{name} is installed, but did not answer within {RUNTIME_PATIENCE:g} s"
    except OSError as error:
        return f"{name} cannot be started ({error.strerror})"
    said = (asked.stderr.strip() or asked.stdout.strip()).splitlines()
    return (
        "" if asked.returncode == 0 else f"{name} is installed, but its daemon does not answer ({(said or ['?'])[-1]})"
    )


def containers_of(environ: Mapping[str, str]) -> str:
    """How a run with these variables certainly reaches containers, `none` if it certainly does not; empty in doubt.

    It starts no program. A daemon counts as reached if it listens.
    """
    if is_without_containers(environ):
        return "none"
    if environ.get(SESSION_PORT):
        return ""
    if host := environ.get(RUNNER_HOST):
        return "" if urlsplit(host).scheme not in {"unix", "tcp"} or address_error(host) else f"engine {host}"
    has_docker = shutil.which("docker", path=environ.get("PATH")) is not None
    return "docker" if has_docker and _docker_listens(environ) else ""


def is_without_containers(environ: Mapping[str, str]) -> bool:
    """Whether certainly no engine of containers is within reach. It starts no program, and False means any doubt.

    Docker without a daemon counts as absent: its socket has no listener, and nothing leads to another one.
    """
    if any(environ.get(name) for name in (RUNNER_HOST, SESSION_PORT)):
        return False
    found = {name for name in RUNTIMES if shutil.which(name, path=environ.get("PATH"))}
    return not found or (found == {"docker"} and _is_docker_down(environ))


def _is_docker_down(environ: Mapping[str, str]) -> bool:
    """Whether the docker program looks at the default socket only, and no daemon listens there."""
    return has_default_socket(environ) and _default_socket() in {errno.ENOENT, errno.ECONNREFUSED}


def _docker_listens(environ: Mapping[str, str]) -> bool:
    """Whether the docker program looks at the default socket only, and a daemon listens there."""
    return has_default_socket(environ) and _default_socket() == 0


def has_default_socket(environ: Mapping[str, str]) -> bool:
    """Whether certainly nothing leads the docker program to another socket than the default one."""
    if any(environ.get(name) for name in ("DOCKER_HOST", "DOCKER_CONTEXT")):
        return False
    directory = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker"
    try:
        configuration = json.loads(Path(directory, "config.json").read_bytes())
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return isinstance(configuration, dict) and not configuration.get("currentContext")


def _default_socket() -> int:
    """The error of a connection to the default socket, 0 without one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        return connection.connect_ex(DOCKER_SOCKET)
