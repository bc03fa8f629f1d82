"""Helpers for tests of recording: directories, processes, and queries of the database."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tasks.prefect_server import Phase, ServerHandle, ensure_server, phase
from tests.support.forked import ForkedProcess, fork_server

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The test's own home and cache."""

    data: Path
    cache: Path

    def start(self, **environ: str) -> ServerHandle:
        """Find or start a server, and wait until it is up."""
        handle = self.ensure(**environ)
        wait_until(lambda: phase(handle) is not Phase.STARTING, limit=180)
        assert phase(handle) is Phase.READY, (handle.home or Path()).joinpath("server.err").read_text()
        return handle

    def ensure(self, **environ: str) -> ServerHandle:
        """Find or start a server, as the command line does with this environment."""
        return ensure_server({"PATH": os.environ["PATH"], **environ}, data_dir=self.data, cache_dir=self.cache)


def places_in(home: Path) -> Places:
    """The directories of predeploy in a home."""
    return Places(data=home / ".local/share/predeploy", cache=home / ".cache/predeploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The line that the process printed for one run. `is_pending`: the report did not wait for the recorder."""

    url: str | None
    unrecorded: str | None
    is_pending: bool


class RecorderProcess:
    """A process that records scripted runs in parallel to the test."""

    def __init__(
        self,
        user_dirs: Places,
        *,
        runs: int = 1,
        seconds: float = 0.0,
        held_by: Path | None = None,
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        places = [str(user_dirs.data), str(user_dirs.cache)]
        self._process = ForkedProcess(
            ["recorder", *places, str(runs), str(seconds), *([str(held_by)] if held_by else [])],
            cwd=cwd or user_dirs.cache,
            environ={"PATH": os.environ["PATH"], "HOME": str(user_dirs.data), "PYTHONPATH": str(ROOT), **environ},
            server=partial(fork_server, "--prefect"),
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def wait(self) -> list[Recording]:
        """Return its lines on stdout. Fails if it printed other text or anything on stderr."""
        stdout, stderr = self._process.communicate(timeout=300)
        assert (self._process.returncode, stderr) == (0, b""), stderr.decode(errors="replace")[-4000:]
        return [Recording(**json.loads(line)) for line in stdout.splitlines()]


def record_run(user_dirs: Places, **options: Any) -> Recording:
    """Record one scripted run in a process of its own."""
    (recording,) = RecorderProcess(user_dirs, **options).wait()
    return recording


def rows(home: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    """Query Prefect's database directly."""
    with closing(sqlite3.connect(home / "prefect.db", timeout=30)) as connection:
        return connection.execute(query, values).fetchall()


def wait_until(condition: Callable[[], bool], *, limit: float) -> None:
    """Poll until the condition is true."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def environment_of(pid: int) -> Mapping[str, str]:
    """Return the environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def alive(pid: int) -> bool:
    """Return whether a process runs: it exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def servers_below(home: Path) -> list[int]:
    """Return the processes of all servers of a home."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                argv = (process / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "tasks.prefect_server.serve" in argv and any(part.startswith(str(home)) for part in argv):
                found.append(int(process.name))
    return found
