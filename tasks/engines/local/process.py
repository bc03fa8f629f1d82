"""Runs commands so that nothing that they start outlives them, or us."""

import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tasks.steps import Exit


class Process:
    """A running command under its reaper."""

    pid: int
    """Of the command itself, not of its reaper."""

    async def wait(self) -> Exit:
        """How it ended, when all that it started is gone too; may be awaited by many, and given up by any."""
        raise NotImplementedError

    def tail(self, lines: int) -> str:
        """The last lines of what it said so far, stderr after stdout."""
        raise NotImplementedError

    async def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> Exit:
        """Sends `how` to the command; what is left after `grace` seconds is killed with all it started."""
        raise NotImplementedError


async def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    limit: float,
    log: Path,
    marker: str,
    options: Sequence[str] = (),
    stdin: bytes = b"",
) -> Exit:
    """Runs a command to its end, appending to `log`; over `limit` seconds it is killed and `timed_out`.

    `marker` is the id of the run: all that the command starts carries `PREDEPLOY_RUN=<marker>/<n>` and dies with it.
    `env` is the whole environment. `options` are the reaper's: `--userns`, `--uid N`, `--gid N`, `--nice N`,
    `--stop-signal N` (what it sends first when our process is gone). Cancelled, it kills all before it lets go. Raises
    EngineError only where no process can be started at all.
    """
    raise NotImplementedError


@asynccontextmanager
async def start_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    marker: str,
    options: Sequence[str] = (),
    stdin: bytes = b"",
) -> AsyncIterator[Process]:
    """Runs a command beside the block; when the block is left, however, it is killed with all that it started.

    A program that is not there is a process that has ended with 127.
    """
    raise NotImplementedError
    yield


def sweep(marker: str) -> int:
    """Last resort: kills whatever still carries the run's marker in its environment; returns how many it were."""
    raise NotImplementedError
