"""Find a warm server or start one: one per user and version, however many runs begin at once."""

import contextlib
import hashlib
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from tasks.env_flags import is_set
from tasks.locks import locked
from tasks.prefect_server import history
from tasks.prefect_server.handle import (
    Phase,
    ServerHandle,
    ServerRecord,
    answers,
    process_identity,
    read_record,
    used_seconds,
    write_record,
)
from tasks.prefect_server.password import password_in

IDLE_SECONDS = 1800.0
HUNG_SECONDS = 1.0
START_SECONDS = 180.0
"""A server that is not ready by then never will be."""

# What a server needs of its starter's environment. Nothing of a stack, no secret.
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_ROOT = Path(__file__).resolve().parents[2]


def ensure_server(environ: Mapping[str, str], *, data_dir: Path, cache_dir: Path) -> ServerHandle:
    """Return a server to record to, started if need be; it may still be starting.

    With PREFECT_API_URL set it is that one, whether it answers or not. Under CI it is one of this run alone, which
    dies with this process. Raises OSError where none can be started.
    """
    if url := environ.get("PREFECT_API_URL", "").strip():
        return ServerHandle(url=url.rstrip("/"))
    home = _home(data_dir)
    cache_dir = cache_dir.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(0o700)
    if is_ci(environ):
        return _start(environ, home, cache_dir, home / f"server-of-{os.getpid()}.json", temporary=True)
    state = home / f"server-{_own_version()}.json"
    if handle := _running(state, home, patience=1.0):
        return handle
    with locked(home / "start.lock"):
        # another process may have started one meanwhile; a server that does not answer gets more time
        hung = read_record(state)
        if hung and (handle := _running(state, home, patience=HUNG_SECONDS)):
            return handle
        if hung:
            _kill(hung.pid, signal.SIGKILL)
            note = "Prefect's server did not answer, and was replaced"
            return replace(_start(environ, home, cache_dir, state, temporary=False), note=note)
        return _start(environ, home, cache_dir, state, temporary=False)


def running_server(data_dir: Path) -> ServerHandle | None:
    """Return the server of our own that is kept warm, if one is; none is started."""
    home = _home(data_dir)
    return _running(home / f"server-{_own_version()}.json", home, patience=1.0)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI job runs this process, so that its machine keeps no history for later."""
    return is_set(environ, "CI")


def end_hung(handle: ServerHandle, used_before: float | None) -> None:
    """Ends our own server if it does not even use the processor: the next run starts another one.

    `used_before` is an earlier value of `used_seconds`.
    """
    record = read_record(handle.state) if handle.state else None
    if record and record.pid == handle.pid and used_before is not None and used_seconds(record.pid) == used_before:
        _kill(record.pid, signal.SIGKILL)


def stop_server(handle: ServerHandle, limit: float = 5.0) -> None:
    """Stop a server that this process has started, and wait until it is gone."""
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
    # its process has another working directory
    return data_dir.absolute() / f"prefect-{importlib.metadata.version('prefect')}"


def _running(state: Path, home: Path, *, patience: float) -> ServerHandle | None:
    record = read_record(state)
    if record is None:
        return None
    if record.phase is Phase.STARTING:
        usable = time.time() - record.launched < START_SECONDS
    else:
        usable = answers(record.url, patience)
    if not usable:
        return None
    return ServerHandle(
        url=record.url,
        pid=record.pid,
        home=home,
        state=state,
        launched=record.launched,
        password=password_in(home),
    )


def _start(environ: Mapping[str, str], home: Path, cache_dir: Path, state: Path, *, temporary: bool) -> ServerHandle:
    neutral = cache_dir / "empty"
    neutral.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(home)
    note, password = _repaired(home, _template(cache_dir)), password_in(home)
    ours, theirs = os.pipe() if temporary else (None, None)
    # this process listens, and the server accepts: early requests wait, and no other program can take the port
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, (home / "server.err").open("wb") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        argv = [sys.executable, "-m", "tasks.prefect_server.serve", "--fd", str(listener.fileno()), "--url", url]
        argv += ["--home", str(home), "--state", str(state), "--template", str(_template(cache_dir))]
        argv += ["--lifeline", str(ours)] if temporary else ["--idle", str(_idle_seconds(environ))]
        process = subprocess.Popen(
            argv,
            cwd=neutral,
            env=_environment(environ, home, cache_dir, url, temporary=temporary),
            pass_fds=[listener.fileno()] + ([ours] if ours is not None else []),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    if ours is not None:
        os.close(ours)
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
        note=note,
        launched=launched.launched,
        password=password,
        process=process,
        lifeline=theirs,
    )


def _repaired(home: Path, template: Path) -> str:
    """Moves a database aside that no server can use. Returns what was done."""
    database = home / history.NAME
    if any(read_record(state) for state in home.glob("server-*.json")):  # a server of another version uses it
        return ""
    with locked(home / "database.lock"):
        if trouble := history.marked(database) or history.trouble_with(database, template):
            aside = history.move_aside(database)
            return f"the history of runs was unusable ({trouble}): it was moved to {aside}, and a new one begins"
    return ""


def _forget_the_dead(home: Path) -> None:
    for state in home.glob("server-*.json"):
        if read_record(state) is None:
            state.unlink(missing_ok=True)


def _environment(
    environ: Mapping[str, str], home: Path, cache_dir: Path, url: str, *, temporary: bool
) -> dict[str, str]:
    origin = url.removesuffix("/api")
    # nothing is deployed on this server
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
        # the default is inside the installed package, which we may not be allowed to write
        "PREFECT_UI_STATIC_DIRECTORY": str(cache_dir / f"{home.name}-ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # runs older than 90 days go, their events after 7
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        # nothing of a run is configured by blocks
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
    """Two versions of this package on one machine each have a server, over one history."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
