"""One validation as the command line makes it: with recorder, progress and signals, and its report published."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flows.cli.output import OutputMode
from flows.cli.process import STOPPING
from flows.distribution.parameters import Distribution
from flows.interruption import Interruption
from tasks.errors import EngineError
from tasks.execution.executor import Run
from tasks.hardening import NOTHING_EXPOSED, Exposure
from tasks.models import Outcome, Report, RunFacts, Verdict
from tasks.redaction.results import redact_report
from tasks.report.directory import RunDirectory, create_run_directory
from tasks.report.document import render_document
from tasks.report.live import Progress
from tasks.report.publish import publish
from tasks.secrets import NO_SECRETS, Secrets
from tasks.secrets.doppler.token import Token
from tasks.settings import unknown_variables
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope
from tasks.validation.validation import Validation, new_run_id

STOPPED_PATIENCE = 2.0
"""Seconds that a run which was stopped waits for its recorder: whoever stopped it does not want to wait."""
SILENT_PATIENCE = 1.0
"""Seconds after which waiting for the recorder is told."""


@dataclass(slots=True, kw_only=True)
class RunSession:
    """Call `validate` once. `called_as` and `shown` are the command and the stack as the caller wrote them.

    `since` is when the caller began to wait, on the monotonic clock: the report's duration counts from there.
    """

    scope: Scope
    user_dirs: UserDirs
    output: OutputMode
    environ: Mapping[str, str]
    interruption: Interruption
    called_as: str
    shown: str
    secrets: Secrets = NO_SECRETS
    exposure: Exposure = NOTHING_EXPOSED
    token: Token | None = None
    distribution: Distribution | None = None
    since: float = field(default_factory=time.monotonic)
    run_id: str = field(default_factory=new_run_id)
    _run: Run | None = None
    _recording: asyncio.Task[RunFacts] | None = None
    _is_decided: bool = False

    async def validate(self) -> Report:
        """The report, which is published when it is returned."""
        with self._interruptible(), create_run_directory(self.scope.home, self.run_id) as directory:
            self.interruption.forced = directory.abandon
            report = await self._report(directory)
            notes = (*filter(None, [directory.warning]), *unknown_variables(self.environ), *report.warnings)
            # what came since the checks were done: Prefect's own words, too
            report = replace(report, warnings=notes, duration=time.monotonic() - self.since)
            report = redact_report(report, self.secrets.redactor)
            return self._published(directory, report)

    async def _report(self, directory: RunDirectory) -> Report:
        progress = self.output.open_progress(sys.stderr)
        try:
            validation = Validation(
                scope=self.scope,
                user_dirs=self.user_dirs,
                directory=directory,
                progress=progress,
                environ=self.environ,
                run_id=self.run_id,
                called_as=self.called_as,
                shown_stack=self.shown,
                begun=self._begun,
                secrets=self.secrets,
                exposure=self.exposure,
                token=self.token,
                distribution=self.distribution,
            )
            report = await validation.run()
            self._is_decided = True
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
        """Records the run in Prefect, beside it. Never holds the run up; cancelled, it lets go."""
        from flows.recording.recorder import watch
        from tasks.prefect_server import ensure_server

        async def flow() -> object:
            from flows.predeploy import predeploy

            return await predeploy(**self._parameters(), return_state=True)

        connect = partial(ensure_server, self.environ, data_dir=self.user_dirs.data, cache_dir=self.user_dirs.cache)
        where = await watch(run, flow, connect)
        return RunFacts(id=self.run_id, url=where.url, unrecorded=where.unrecorded)

    def _parameters(self) -> dict[str, Any]:
        settings = self.scope.settings
        chosen = {"stages": settings.stages, "only": settings.only, "skip": settings.skip}
        gate = {"gate": True, "engine": settings.engine} if settings.gate else {}
        return {"stack": self.shown, **{name: list(map(str, names)) for name, names in chosen.items() if names}, **gate}

    async def _recorded(self, progress: Progress) -> RunFacts:
        """Where the run stands in Prefect. Nobody who stopped it, or stops it now, waits long for that."""
        assert self._run is not None
        assert self._recording is not None
        is_stopped = self._run.ended is not None and self._run.ended[0] != "fail_fast"
        await asyncio.wait({self._recording}, timeout=SILENT_PATIENCE)
        if not self._recording.done():
            progress.note("waiting for Prefect's server to write the run down")
            await asyncio.wait({self._recording}, timeout=STOPPED_PATIENCE - SILENT_PATIENCE if is_stopped else None)
            self._recording.cancel()
        try:
            return await self._recording
        except asyncio.CancelledError:
            return RunFacts(
                id=self.run_id, unrecorded="the run was stopped, and Prefect's server had yet to hear of it"
            )

    def _published(self, directory: RunDirectory, report: Report) -> Report:
        """The report, published. Where that fails it says so itself, and is no pass any more."""
        try:
            publish(directory, {"report.json": render_document(report), "report.txt": self.output.render_plain(report)})
        except EngineError as error:
            passed = report.verdict.outcome is Outcome.PASSED
            verdict = Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=str(error)) if passed else report.verdict
            return replace(report, verdict=verdict, directory="", warnings=(*report.warnings, str(error)))
        return report

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Signals stop the run, which then reports what it knows."""
        loop = asyncio.get_running_loop()

        def stop(number: signal.Signals) -> None:
            # a handler runs between any two steps of the program: the loop does the work when it is its turn
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
