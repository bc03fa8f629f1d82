"""Runs commands so that nothing that they start outlives them, or us."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tasks.engines import process_table
from tasks.engines.command_log import Log
from tasks.engines.local.processes.client import Supervised, launch
from tasks.exits import Exit
from tasks.redaction.redactor import NOTHING, Redactor

LIMIT_GRACE = 2.0
"""Seconds that a command over its limit has between SIGTERM and SIGKILL."""
LEAVING_GRACE = 1.0
"""The same when nobody wants its outcome any more."""


class Process:
    """A running command under its reaper."""

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised

    @property
    def pid(self) -> int:
        """Of the command itself, not of its reaper; 0 if there was nothing to start."""
        return self._supervised.pid

    async def begin(self) -> None:
        """Returns once the command is executed, or cannot be."""
        await self._supervised.started.wait()

    async def wait(self) -> Exit:
        """How it ended, when all that it started is gone too; may be awaited by many, and given up by any."""
        return await asyncio.shield(self._supervised.done)

    def tail(self, lines: int) -> str:
        """The last lines of what it said so far, stdout and stderr as they came."""
        return "\n".join(self._supervised.recent.text().splitlines()[-lines:])

    async def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> Exit:
        """Sends `how` to the command; what is left after `grace` seconds is killed with all it started."""
        self._supervised.say(f"signal {int(how)} {grace}")
        return await self.wait()

    async def end(self, grace: float, why: str = "") -> Exit:
        """Sends SIGTERM to all that the command started, then SIGKILL; goes on however often cancelled."""
        self._supervised.end(grace, why)
        cancelled: asyncio.CancelledError | None = None
        while not self._supervised.done.done():
            try:
                await asyncio.wait([self._supervised.done])
            except asyncio.CancelledError as error:
                cancelled = error
                self._supervised.end(0, "")
        if cancelled:
            raise cancelled
        return self._supervised.done.result()


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
    redactor: Redactor = NOTHING,
) -> Exit:
    """Runs a command to its end, appending to `log`; over `limit` seconds it is killed and `timed_out`.

    `marker` is the id of the run: all that the command starts carries `PREDEPLOY_RUN=<marker>/<n>` and dies with it.
    `env` is the whole environment. `options` are the reaper's: `--userns`, `--uid N`, `--gid N`, `--nice N`,
    `--stop-signal N` (what it sends first when our process is gone). What the command says passes the `redactor` before
    anything is kept of it. Cancelled, it kills all before it lets go. Raises EngineError only where no process can be
    started at all.
    """
    async with start_process(
        argv, cwd=cwd, env=env, log=log, marker=marker, options=options, stdin=stdin, redactor=redactor
    ) as process:
        try:
            async with asyncio.timeout(limit):
                return await process.wait()
        except TimeoutError:
            ended = await process.end(LIMIT_GRACE, f"over its limit of {limit:g} s: killed")
            return replace(ended, code=None, timed_out=True, detail=f"it was over its limit of {limit:g} s")


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
    redactor: Redactor = NOTHING,
) -> AsyncIterator[Process]:
    """Runs a command beside the block; when the block is left, however, it is killed with all that it started.

    A program that is not there is a process that has ended with 127.
    """
    own = f"{marker}/{secrets.token_hex(4)}"
    environment = {**env, process_table.VARIABLE.decode().rstrip("="): own}
    transcript = Log(log, redactor=redactor)
    transcript.begin(argv, cwd)
    process = Process(launch(argv, cwd=cwd, env=environment, log=transcript, marker=own, options=options, stdin=stdin))
    try:
        await process.begin()
        yield process
    finally:
        await process.end(LEAVING_GRACE)


def sweep(marker: str) -> int:
    """Last resort: kills whatever still carries the run's marker in its environment; returns how many it were."""
    return process_table.kill_marked(marker.encode())
