"""Runs commands so that none of their descendants outlives them, or this process."""

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
from tasks.engines.machine import cpu_seconds
from tasks.exits import Exit
from tasks.redaction.redactor import NOTHING, Redactor

LIMIT_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL for a command over its limit."""
LEAVING_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for a command whose block has ended."""


class Process:
    """A running command under its reaper."""

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised

    @property
    def pid(self) -> int:
        """The pid of the command, not of its reaper; 0 if it could not be started."""
        return self._supervised.pid

    async def begin(self) -> None:
        """Returns once the command runs, or has failed to start."""
        await self._supervised.started.wait()

    async def wait(self) -> Exit:
        """Waits until the command and its descendants have ended. Several tasks may wait, and each may be cancelled."""
        return await asyncio.shield(self._supervised.done)

    def tail(self, lines: int) -> str:
        """The last lines of its output so far, stdout and stderr in order of arrival."""
        return "\n".join(self._supervised.recent.text().splitlines()[-lines:])

    def cpu_seconds(self) -> float | None:
        """The processor time of the command and its descendants so far."""
        return cpu_seconds((self.pid, *process_table.list_descendants(self.pid))) if self.pid else None

    async def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> Exit:
        """Sends the signal `how` to the command. After `grace` seconds it is killed with its descendants."""
        self._supervised.send(f"signal {int(how)} {grace}")
        return await self.wait()

    async def end(self, grace: float, why: str = "") -> Exit:
        """Sends SIGTERM to the command and its descendants, then SIGKILL. A cancellation only shortens the grace."""
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
    """Runs a command to its end, and appends its output to `log`. After `limit` seconds it is killed, and `timed_out`.

    `marker` is the id of the run: all descendants have `PREDEPLOY_RUN=<marker>/<n>` in their environment, and end with
    the command. `env` is the complete environment. `options` are those of the reaper: `--userns`, `--uid N`, `--gid N`,
    `--nice N`, `--stop-signal N` (the first signal if this process dies). The output is redacted before it is stored.
    A cancellation kills all processes first. Raises EngineError only if no process can be started.
    """
    async with start_process(
        argv, cwd=cwd, env=env, log=log, marker=marker, options=options, stdin=stdin, redactor=redactor
    ) as process:
        try:
            async with asyncio.timeout(limit):
                return await process.wait()
        except TimeoutError:
            cpu = process.cpu_seconds()
            ended = await process.end(LIMIT_GRACE, f"over its limit of {limit:g} s: killed")
            detail = f"it was over its limit of {limit:g} s"
            return replace(ended, code=None, timed_out=True, detail=detail, cpu=cpu)


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
    """Runs a command for the length of the block. The end of the block kills it with its descendants.

    If the program does not exist, the process has ended with 127.
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
    """Kills all processes with the run's marker in their environment, as a last resort; returns their number."""
    return process_table.kill_marked(marker.encode())
