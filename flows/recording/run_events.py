"""The events of a run, for its recorder: they travel one way, from the executor's loop to the recorder's thread."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from tasks.models import Report, Result, Stage
from tasks.redaction.redactor import Redactor
from tasks.steps import Check

T = TypeVar("T")


class Watched(Protocol):
    """A run in progress, as its recorder sees it."""

    @property
    def checks(self) -> Sequence[Check]:
        """The plan, in order."""

    @property
    def redactor(self) -> Redactor:
        """Masks the run's secrets."""

    async def started(self, check_id: str) -> None:
        """Return when the check has begun, or was decided without beginning."""

    async def finished(self, check_id: str) -> Result:
        """Return when the check is decided; a failed one raises nothing. Cancelling the waiter cancels nothing else."""

    async def report(self) -> Report:
        """Return the whole report, when all is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A decided check, with the moments at which it really began and ended."""

    result: Result
    began: datetime
    ended: datetime


class RunEvents:
    """The recorder's view of a run.

    The executor's loop sets futures that threads share, and never waits. A recorder in any loop waits for them. A
    recorder that is late, hangs or has ended does not delay the run. A late one still gets the true times.
    """

    def __init__(self, watched: Watched) -> None:
        self.checks = tuple(watched.checks)
        self.redactor = watched.redactor
        self._began: dict[str, Future[datetime]] = {check.id: Future() for check in self.checks}
        self._finished: dict[str, Future[Finished]] = {check.id: Future() for check in self.checks}
        self._report: Future[Report] = Future()
        self._watched = watched
        self._following: list[asyncio.Task[None]] = []
        self._ended_by: Exception = RuntimeError("the run ended before this was decided")
        self.flow_run_id: str | None = None
        self.progress = 0

    def follow(self) -> None:
        """Begin to follow the run; call it in the executor's loop."""
        for check in self.checks:
            self._spawn(partial(self._follow, check.id), self._began[check.id], self._finished[check.id])
        self._spawn(self._follow_report, self._report)

    def checks_of(self, stage: Stage) -> list[str]:
        """Return the ids of a stage's checks, in order."""
        return [check.id for check in self.checks if check.stage is stage]

    async def close(self, error: Exception | None = None) -> None:
        """Stop following. Each waiter gets the error that ended the run, because no more events come."""
        self._ended_by = error or self._ended_by
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    async def began(self, check: str) -> datetime:
        """Return when the check has begun, or was decided without beginning."""
        return await _await(self._began[check])

    async def finished(self, check: str) -> Finished:
        """Return when the check is decided."""
        return await _await(self._finished[check])

    async def report(self) -> Report:
        """Return the whole report, when all is decided."""
        return await _await(self._report)

    async def _follow(self, check: str) -> None:
        await self._watched.started(check)
        began = datetime.now(UTC)
        self._began[check].set_result(began)
        result = await self._watched.finished(check)
        ended = datetime.now(UTC)
        if result.duration:  # a check that runs while its needs run may be decided after its end
            ended = min(began + timedelta(seconds=result.duration), ended)
        self._finished[check].set_result(Finished(result=result, began=began, ended=ended))

    async def _follow_report(self) -> None:
        self._report.set_result(await self._watched.report())

    def _spawn(self, work: Callable[[], Awaitable[None]], *promised: Future[Any]) -> None:
        async def keep_promises() -> None:
            error: Exception | None = None
            try:
                await work()
            except Exception as exc:
                error = exc
            finally:
                for future in promised:
                    if not future.done():
                        future.set_exception(error or self._ended_by)

        self._following.append(asyncio.create_task(keep_promises()))


_CURRENT: ContextVar[RunEvents] = ContextVar("run_events")
current_run_events: Callable[[], RunEvents] = _CURRENT.get
"""Returns the events of the run that the calling flow records."""
enter_run_events = _CURRENT.set


def is_recording() -> bool:
    """Return whether the calling flow mirrors a run that another thread executes."""
    return _CURRENT.get(None) is not None


async def _await(future: Future[T]) -> T:
    """Wait in any loop. A waiter that is cancelled, or whose loop has ended, does not affect the others."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake(_: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(woken.set)

    future.add_done_callback(wake)
    await woken.wait()
    return future.result()
