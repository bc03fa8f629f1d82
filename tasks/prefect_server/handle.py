"""Describes a Prefect server: its address, its process and its phase."""

import http.client
import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class Phase(StrEnum):
    """The phase of a server. STARTING applies only to predeploy's own server."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """The state file of predeploy's own server.

    `identity` distinguishes its process from a later one with the same pid. `launched`: seconds since the epoch.
    """

    url: str
    pid: int
    identity: str
    phase: Phase
    launched: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHandle:
    """A server that records runs.

    `home` is None for a server that predeploy did not start. `temporary`: the server must end with this run.
    `lifeline`: write end of a pipe; the server stops when it is closed.
    """

    url: str
    started: bool = False
    pid: int | None = None
    home: Path | None = None
    state: Path | None = None
    temporary: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)
    lifeline: int | None = field(default=None, repr=False, compare=False)

    @property
    def log(self) -> Path | None:
        """The log file of predeploy's own server; None for another server."""
        return self.home / "server.log" if self.home else None


def process_identity(pid: int) -> str | None:
    """Returns a text that identifies a live process among all that had this pid; None if the process is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _identity_from_ps(pid)
    except OSError:
        return None
    # the second field, the program's name, may contain blanks and parentheses
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _identity_from_ps(pid: int) -> str | None:
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return listed.stdout.strip() or None


def read_record(state: Path) -> ServerRecord | None:
    """Returns the content of a state file; None if the file is missing or invalid, or the server's process is gone."""
    try:
        fields = json.loads(state.read_text())
        record = ServerRecord(**{**fields, "phase": Phase(fields["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return record if process_identity(record.pid) == record.identity else None


def write_record(state: Path, record: ServerRecord) -> None:
    """Writes the state file atomically."""
    descriptor, name = tempfile.mkstemp(dir=state.parent, prefix=".state-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    Path(name).replace(state)


def answers(url: str, timeout: float = 1.0) -> bool:
    """Whether the API at `url` answers within `timeout` seconds. Never raises."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            # a client error counts as an answer: a hosted API requires credentials even for this path
            return connection.getresponse().status < 500
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return False


def phase(handle: ServerHandle) -> Phase:
    """Returns the phase of a server without a request to it."""
    if handle.process is not None and handle.process.poll() is not None:
        return Phase.GONE
    if handle.state is None:
        return Phase.READY
    record = read_record(handle.state)
    return record.phase if record and record.pid == handle.pid else Phase.GONE
