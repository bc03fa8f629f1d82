"""The executor: runs every check of a plan exactly once, as soon as the checks that it needs have passed."""

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from tasks.errors import PredeployError
from tasks.execution.findings import complete
from tasks.execution.not_run import stopped, without_means, without_need
from tasks.execution.scheduling import LoadSemaphore, claims
from tasks.execution.work import Work
from tasks.models import Report, Result, Status
from tasks.planning.plan import Plan
from tasks.redaction.gate import redact
from tasks.redaction.redactor import NOTHING, Redactor
from tasks.steps import Check

INTERRUPTIONS = frozenset({"interrupted", "terminated"})
T = TypeVar("T")
OwnCheck = Callable[[], Awaitable[Result]]
"""Runs one check that predeploy does itself, without the engine, and returns its result."""


class CheckProgress(Protocol):
    """Observer of a run, for example a display."""

    def started(self, check: str) -> None: ...

    def finished(self, check: str, result: Result) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Options of a run.

    `jobs`: how many checks run at once at most, and `cores`: how many cores their loads may fill. `fail_fast`: the
    first failed or errored check stops the run. `is_part`: the run is a shard. Then it does not look for the root cause
    that red checks share: the whole run does. `seconds` and `loads`: those of earlier runs, by check id. `redactor`:
    masks each result before it is published. `own`: the checks that predeploy does itself, by check id.
    """

    jobs: int
    cores: float = math.inf
    fail_fast: bool = False
    is_part: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    loads: Mapping[str, float] = field(default_factory=dict)
    redactor: Redactor = NOTHING
    own: Mapping[str, OwnCheck] = field(default_factory=dict)


class Run:
    """The checks of a plan in progress: a task and a future for each check.

    The task does the check and resolves the future. Observers wait for futures only, so none can delay a check.
    `stop` ends the run early: it cancels the tasks, and every future still gets a result.
    """

    def __init__(self, plan: Plan, work: Work, progress: CheckProgress, policy: Policy):
        loop = asyncio.get_running_loop()
        self.plan = plan
        self.work = work
        self._progress = progress
        self._policy = policy
        self._slots = LoadSemaphore(policy.jobs, policy.cores)
        self._claims = claims(plan.checks, policy.seconds, {**policy.loads, **dict.fromkeys(policy.own, 0.0)})
        self._started = {check.id: asyncio.Event() for check in plan.checks}
        self._results: dict[str, asyncio.Future[Result]] = {check.id: loop.create_future() for check in plan.checks}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._start_times: dict[str, float] = {}
        self._end_times: dict[str, float] = {}
        self._report: asyncio.Future[Report] = loop.create_future()
        self._follow_up: asyncio.Task[Any] | None = None
        self._ended: tuple[str, str] | None = None
        self._created = time.monotonic()

    @property
    def checks(self) -> Sequence[Check]:
        """The plan's checks."""
        return self.plan.checks

    @property
    def redactor(self) -> Redactor:
        """The redactor of the run's secrets."""
        return self._policy.redactor

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._created

    @property
    def ended(self) -> tuple[str, str] | None:
        """Reason code and reason of an early stop; None if the run was not stopped."""
        return self._ended

    def start(self) -> None:
        """Starts the checks without needs. Each other check starts when its needs have passed."""
        self.work.start()
        for check in sorted(self.plan.checks, key=lambda check: -self._claims[check.id].weight):
            task = self._tasks[check.id] = asyncio.create_task(self._do(check), name=check.id)
            task.add_done_callback(functools.partial(self._resolve_cancelled, check))

    async def execute(self, check_id: str) -> Result:
        """Returns the result of a check. Cancelling this call does not cancel the check."""
        return await asyncio.shield(self._results[check_id])

    finished = execute

    async def started(self, check_id: str) -> None:
        """Returns when the check has started, or has a result without a start."""
        await self._started[check_id].wait()

    async def report(self) -> Report:
        """Waits for `publish` and returns its report."""
        return await asyncio.shield(self._report)

    def publish(self, report: Report) -> None:
        """Resolves `report`. Later calls have no effect."""
        if not self._report.done():
            self._report.set_result(report)

    async def wait(self) -> dict[str, Result]:
        """Waits for all checks and returns their results by check id, in the plan's order."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.work.stop()
        return {check_id: await self.execute(check_id) for check_id in self._results}

    async def follow_up(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work after the last check. An interruption of the run cancels this work too."""
        task = self._follow_up = asyncio.create_task(work)
        if self._ended is not None and self._ended[0] in INTERRUPTIONS:
            task.cancel()
        result: T = await task
        return result

    def stop(self, reason_code: str, reason: str) -> None:
        """Cancels the run. The first reason is kept, but an interruption replaces any other reason."""
        if self._ended is not None:
            if reason_code in INTERRUPTIONS and self._ended[0] not in INTERRUPTIONS:
                self._ended = (reason_code, reason)
            return  # a second cancellation would break the clean-up of the cancelled tasks
        if reason_code not in INTERRUPTIONS and all(future.done() for future in self._results.values()):
            return
        self._ended = (reason_code, reason)
        for task in (*self._tasks.values(), *filter(None, [self._follow_up])):
            task.cancel()

    async def _do(self, check: Check) -> None:
        """Waits for the needs of the check and for a free slot, runs the check, and resolves its future."""
        try:
            result = await self._skipped(check, [need for need in check.needs if need not in check.presumed])
            if result is None:
                await self.work.ready(check)
                result = await (self._presuming(check) if check.presumed else self._in_slot(check))
                result = await self._with_root_cause(check, result)
        except PredeployError as error:
            result = Result(check=check.id, status=Status.ERRORED, reason_code=error.reason_code, reason=str(error))
        except Exception as error:  # a bug in predeploy is no verdict on the stack
            text = f"{type(error).__name__}: {error}"
            result = Result(check=check.id, status=Status.ERRORED, reason_code="internal", reason=text)
        self._resolve(check, result)

    async def _presuming(self, check: Check) -> Result:
        """Runs the check while the needs that it presumes run. If one does not pass, stops the check and skips it."""
        work = asyncio.create_task(self._in_slot(check))
        needs = asyncio.create_task(self._skipped(check, [need for need in check.needs if need in check.presumed]))
        try:
            await asyncio.wait({work, needs}, return_when=asyncio.FIRST_COMPLETED)
            if needs.done() and (skipped := needs.result()):
                return self._withdrawn(check, skipped)
            result = await work
            skipped = await needs
            return self._withdrawn(check, skipped) if skipped else result
        finally:
            for task in (work, needs):
                task.cancel()
            await asyncio.gather(work, needs, return_exceptions=True)

    def _withdrawn(self, check: Check, skipped: Result) -> Result:
        """Returns the result of a check that has run in vain. As for every skipped check, its time does not count."""
        self._start_times.pop(check.id, None)
        return skipped

    async def _in_slot(self, check: Check) -> Result:
        """Waits for a free slot and runs the check."""
        async with self._slots.slot(self._claims[check.id]):
            try:
                return await self._run_check(check)
            finally:
                self._end_times[check.id] = self.elapsed

    async def _run_check(self, check: Check) -> Result:
        """Notes the start of the check and runs it, on the engine or without it."""
        self._start_times[check.id] = self.elapsed
        self._started[check.id].set()
        with contextlib.suppress(Exception):
            self._progress.started(check.id)
        if own := self._policy.own.get(check.id):
            return await own()
        return await self.work.do(check)

    def _resolve_cancelled(self, check: Check, _: asyncio.Task[None]) -> None:
        """Resolves the future of a check whose task was cancelled: the task itself may not even have begun."""
        if not self._results[check.id].done():
            self._resolve(check, stopped(check, self._ended, begun=check.id in self._start_times))

    def _resolve(self, check: Check, result: Result) -> None:
        """Publishes the masked result of a check with its times. With `fail_fast`, a red result stops the run."""
        now = self._end_times.get(check.id, self.elapsed)
        # a shard has measured the duration itself: the time that its result takes to arrive does not count
        took = result.duration or now - self._start_times.get(check.id, now)
        result = redact(complete(result), self._policy.redactor)
        result = replace(result, started=max(now - took, 0.0), duration=took)
        self._results[check.id].set_result(result)
        self._started[check.id].set()
        with contextlib.suppress(Exception):  # a display that fails must not change the verdict
            self._progress.finished(check.id, result)
        red = result.status in {Status.FAILED, Status.ERRORED}
        if red and self._policy.fail_fast and self._ended is None:
            self.stop("fail_fast", f"{check.title} is red, and --fail-fast was given")

    async def _skipped(self, check: Check, needs: Sequence[str]) -> Result | None:
        """Waits for these needs. Returns a skipped result if one did not pass or the check has a skip reason."""
        for need in needs:
            result = await self.execute(need)
            if not result.passed:
                return without_need(check, self.plan[need].title, result.status)
        return without_means(check)

    async def _with_root_cause(self, check: Check, result: Result) -> Result:
        """Returns a skipped result instead of a red one if its root cause is that of an earlier check.

        That is the case if both have the same lock, and both report the same diagnostic.
        """
        owners = () if result.passed or self._policy.is_part else self.work.owners(check)
        for owner in owners:
            first = await self.execute(owner)
            red = first.status in {Status.FAILED, Status.ERRORED}
            if red and {*first.diagnostics} & {*result.diagnostics}:
                reason = f"needs the same packages as {self.plan[owner].title}, and they did not install"
                skip = Result(check=check.id, status=Status.SKIPPED, reason_code="needs", reason=reason)
                return replace(skip, log=result.log, blocked_by=owner)
        return result
