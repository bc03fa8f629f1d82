"""One run of the command line: a validation with recorder, progress and signals, and its published report."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from flows.cli.output import OutputMode
from flows.cli.signals import STOPPING, Interruption
from flows.cli.start_time import seconds_waited
from tasks.errors import EngineError
from tasks.execution.executor import Run
from tasks.models import Outcome, Report, RunFacts, Verdict
from tasks.redaction.gate import redact
from tasks.report.directory import RunDirectory, create_run_directory
from tasks.report.live import Progress
from tasks.report.parts import part
from tasks.report.publish import publish
from tasks.settings import unknown_variables
from tasks.source.places import seen_from
from tasks.validation.engine_work import OpenWork
from tasks.validation.job import Job
from tasks.validation.report_files import report_files
from tasks.validation.validation import Validation

STOPPED_PATIENCE = 2.0
"""Seconds that a run which was stopped waits for its recorder."""
SILENT_PATIENCE = 1.0
"""Seconds after which the wait for the recorder is shown."""


@dataclass(slots=True, kw_only=True)
class RunSession:
    """A run of a job with its recorder, progress and signals. Call `validate` once.

    `load_flow` imports the flow that records the run. `cwd` is the caller's current directory.
    """

    job: Job
    open_work: OpenWork
    load_flow: Callable[[], Any]
    output: OutputMode
    interruption: Interruption
    cwd: Path
    _run: Run | None = None
    _recording: asyncio.Task[RunFacts] | None = None
    _is_decided: bool = False
    _repaired: str = ""

    async def validate(self) -> Report:
        """Runs the job, publishes the report and returns it."""
        with self._interruptible(), create_run_directory(self.job.scope.home, self.job.run_id) as directory:
            self.interruption.forced = directory.abandon
            report = await self._report(directory)
            own = filter(None, [directory.warning, self._repaired])
            notes = (*own, *unknown_variables(self.job.environ), *report.warnings)
            # texts that came after the checks were decided, Prefect's included
            place = seen_from(self.cwd, directory.final)
            report = replace(report, warnings=notes, duration=seconds_waited(), place=place)
            report = redact(report, self.job.secrets.redactor)
            with part("report"):
                return self._published(directory, report)

    async def _report(self, directory: RunDirectory) -> Report:
        progress = self.output.open_progress(sys.stderr)
        try:
            validation = Validation(
                job=self.job,
                directory=directory,
                progress=progress,
                begun=self._begun,
                open_work=self.open_work,
            )
            report = await validation.run()
            self._is_decided = True
            with part("recording"):
                report = replace(report, run=await self._recorded(progress))
        finally:
            progress.close()
        if self.interruption.came is None or report.verdict.outcome is Outcome.INTERRUPTED:
            return report
        word, code = STOPPING[self.interruption.came]
        reason = f"{word} by {self.interruption.came.name} when all checks were done"
        return replace(report, verdict=Verdict(outcome=Outcome.INTERRUPTED, exit_code=code, reason=reason))

    def _begun(self, run: Run) -> None:
        self._run = run
        self._recording = asyncio.create_task(self._record(run))
        if self.interruption.came is not None:
            self._stop(self.interruption.came)

    async def _record(self, run: Run) -> RunFacts:
        """Records the run in Prefect, in a thread. It never delays the run; if it is cancelled, the thread ends."""
        from flows.recording.recorder import watch
        from tasks.prefect_server import ensure_server

        async def flow() -> object:
            return await self.load_flow()(**self._parameters(), return_state=True)

        data_dir, cache_dir = self.job.user_dirs.data, self.job.user_dirs.cache
        connect = partial(ensure_server, self.job.environ, data_dir=data_dir, cache_dir=cache_dir)
        where = await watch(run, flow, connect)
        self._repaired = where.note
        return RunFacts(id=self.job.run_id, url=where.url, unrecorded=where.unrecorded)

    def _parameters(self) -> dict[str, Any]:
        settings = self.job.settings
        chosen = {"stages": settings.stages, "only": settings.only, "skip": settings.skip}
        gate = {"gate": True, "engine": settings.engine} if settings.gate else {}
        return {
            "stack": self.job.shown_stack,
            **{name: list(map(str, names)) for name, names in chosen.items() if names},
            **gate,
        }

    async def _recorded(self, progress: Progress) -> RunFacts:
        """Returns the run's address in Prefect. A run that was stopped waits for it only a short time."""
        assert self._run is not None
        assert self._recording is not None
        is_stopped = self._run.ended is not None and self._run.ended[0] != "fail_fast"
        await asyncio.wait({self._recording}, timeout=SILENT_PATIENCE)
        if not self._recording.done():
            progress.note("waiting for Prefect's server to store the run")
            await asyncio.wait({self._recording}, timeout=STOPPED_PATIENCE - SILENT_PATIENCE if is_stopped else None)
            self._recording.cancel()
        try:
            return await self._recording
        except asyncio.CancelledError:
            return RunFacts(
                id=self.job.run_id, unrecorded="the run was stopped before Prefect's server had recorded it"
            )

    def _published(self, directory: RunDirectory, report: Report) -> Report:
        """Publishes the report and returns it. A report that cannot be published has the reason, and is no pass."""
        try:
            publish(directory, report_files(report, self.job, directory))
        except EngineError as error:
            passed = report.verdict.outcome is Outcome.PASSED
            verdict = Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=str(error)) if passed else report.verdict
            return replace(report, verdict=verdict, directory="", warnings=(*report.warnings, str(error)))
        return report

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Signals stop the run, which then reports the results that it has."""
        loop = asyncio.get_running_loop()

        def stop(number: signal.Signals) -> None:
            # a handler runs between any two instructions, so the loop stops the run
            loop.call_soon_threadsafe(self._stop, number)

        self.interruption.polite = stop
        try:
            yield
        finally:
            self.interruption.ignore_first()

    def _stop(self, number: signal.Signals) -> None:
        if self._run is not None and not self._is_decided:
            word = STOPPING[number][0]
            self._run.stop(word, f"{word} by {number.name}")
        elif self._recording is not None:
            self._recording.cancel()
