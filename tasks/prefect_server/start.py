"""Finds a running server or starts one. Concurrent runs of one user and version share one server."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tasks.prefect_server.handle import (
    Phase,
    ServerHandle,
    ServerRecord,
    answers,
    process_identity,
    read_record,
    write_record,
)

IDLE_SECONDS = 1800.0
START_SECONDS = 180.0
"""A server that is not ready after this time is considered hung."""

# The variables that a server inherits from its starter: none of the stack's, no secrets.
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_ROOT = Path(__file__).resolve().parents[2]


def ensure_server(environ: Mapping[str, str], *, data_dir: Path, cache_dir: Path) -> ServerHandle:
    """Returns a server that records runs, and starts it if necessary. It may still be starting.

    If PREFECT_API_URL is set, returns that server without a test of its availability. Under CI, starts a server for
    this run, which ends with this process. Raises OSError if no server can be started.
    """
    if url := environ.get("PREFECT_API_URL", "").strip():
        return ServerHandle(url=url.rstrip("/"))
    home = _home(data_dir)
    cache_dir = cache_dir.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if is_ci(environ):
        return _start(environ, home, cache_dir, home / f"server-of-{os.getpid()}.json", temporary=True)
    state = home / f"server-{_own_version()}.json"
    if handle := _running(state, home, patience=1.0):
        return handle
    with _locked(home / "start.lock"):
        # another run may have started one in the meantime; a live server that did not answer gets more time
        if handle := _running(state, home, patience=2.0):
            return handle
        if hung := read_record(state):
            _kill(hung.pid, signal.SIGKILL)
        return _start(environ, home, cache_dir, state, temporary=False)


def running_server(data_dir: Path) -> ServerHandle | None:
    """Returns predeploy's own server if one is running. Starts none."""
    home = _home(data_dir)
    return _running(home / f"server-{_own_version()}.json", home, patience=1.0)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether CI is set: the machine and its history of runs are temporary."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def stop_server(handle: ServerHandle, limit: float = 5.0) -> None:
    """Stops a server that this process has started, and waits for its end. Kills it after `limit` seconds."""
    process = handle.process
    if process is None:
        return
    if handle.lifeline is not None:
        with contextlib.suppress(OSError):
            os.close(handle.lifeline)
    process.terminate()
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if handle.state is not None:
        handle.state.unlink(missing_ok=True)


def _home(data_dir: Path) -> Path:
    # absolute, because the server's process has another working directory
    return data_dir.absolute() / f"prefect-{importlib.metadata.version('prefect')}"


def _running(state: Path, home: Path, *, patience: float) -> ServerHandle | None:
    record = read_record(state)
    if record is None:
        return None
    if record.phase is Phase.STARTING:
        usable = time.time() - record.launched < START_SECONDS
    else:
        usable = answers(record.url, patience)
    return ServerHandle(url=record.url, pid=record.pid, home=home, state=state) if usable else None


def _start(environ: Mapping[str, str], home: Path, cache_dir: Path, state: Path, *, temporary: bool) -> ServerHandle:
    neutral = cache_dir / "empty"
    neutral.mkdir(parents=True, exist_ok=True)
    _remove_stale_records(home)
    read_end, write_end = os.pipe() if temporary else (None, None)
    # This process listens and the server accepts: early requests wait, and no other program can take the port.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, (home / "server.err").open("wb") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        argv = [sys.executable, "-m", "tasks.prefect_server.serve", "--fd", str(listener.fileno()), "--url", url]
        argv += ["--home", str(home), "--state", str(state), "--template", str(_template(cache_dir))]
        argv += ["--lifeline", str(read_end)] if temporary else ["--idle", str(_idle_seconds(environ))]
        process = subprocess.Popen(
            argv,
            cwd=neutral,
            env=_environment(environ, home, cache_dir, url, temporary=temporary),
            pass_fds=[listener.fileno()] + ([read_end] if read_end is not None else []),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    if read_end is not None:
        os.close(read_end)
    identity = process_identity(process.pid) or ""
    launched = ServerRecord(url=url, pid=process.pid, identity=identity, phase=Phase.STARTING, launched=time.time())
    write_record(state, launched)
    return ServerHandle(
        url=url,
        started=True,
        pid=process.pid,
        home=home,
        state=state,
        temporary=temporary,
        process=process,
        lifeline=write_end,
    )


def _remove_stale_records(home: Path) -> None:
    for state in home.glob("server-*.json"):
        if read_record(state) is None:
            state.unlink(missing_ok=True)


def _environment(
    environ: Mapping[str, str], home: Path, cache_dir: Path, url: str, *, temporary: bool
) -> dict[str, str]:
    origin = url.removesuffix("/api")
    # this server has no deployments, so it does not need these services
    off = ["SCHEDULER", "LATE_RUNS", "PAUSE_EXPIRATIONS", "FOREMAN", "CANCELLATION_CLEANUP"]
    return {
        **{name: environ[name] for name in _KEPT if name in environ},
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in off},
        "PYTHONPATH": str(_ROOT),
        "PYTHONSAFEPATH": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origin,
        "PREFECT_UI_ENABLED": "false" if temporary else "true",
        "PREFECT_UI_API_URL": url,
        # the default is inside the installed package, which may be read-only
        "PREFECT_UI_STATIC_DIRECTORY": str(cache_dir / f"{home.name}-ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # deletes runs older than 90 days, and events older than 7 days
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        # runs do not use blocks
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    }


def _idle_seconds(environ: Mapping[str, str]) -> float:
    try:
        return float(environ["PREDEPLOY_SERVER_IDLE_SECONDS"])
    except (KeyError, ValueError):
        return IDLE_SECONDS


def _template(cache_dir: Path) -> Path:
    return cache_dir / f"prefect-{importlib.metadata.version('prefect')}.db"


@cache
def _own_version() -> str:
    """Returns a hash of this package. Each version of it has its own server; all of them share one database."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
