"""One validation, from the job to the report: the engine is opened, the checks run, the verdict is given."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tasks.comparison import NO_COMPARISON, Comparison
from tasks.engines.machine import load_per_processor, processors
from tasks.errors import EngineError, TreeError
from tasks.execution.durations import read_history, write_history
from tasks.execution.executor import Policy, Run
from tasks.execution.scheduling import MOST
from tasks.execution.verdict import give_verdict
from tasks.execution.work import EngineWork, Work
from tasks.exports.files import hand_over
from tasks.exports.images import deliver
from tasks.models import (
    BuiltFiles,
    CheckReport,
    DeliveredImage,
    EngineFacts,
    Outcome,
    Report,
    Result,
    RunFacts,
    Status,
    Verdict,
)
from tasks.redaction.gate import redact
from tasks.report.board import PlannedChecks
from tasks.report.directory import RunDirectory
from tasks.report.live import Progress
from tasks.report.parts import CHECKS, note_part, part
from tasks.validation.absent_files import absent_files
from tasks.validation.comparison.against import compare, judged
from tasks.validation.engine_work import OpenWork, open_engine_work
from tasks.validation.job import Job
from tasks.validation.line_ends import without_reported
from tasks.validation.own_checks import own_work
from tasks.validation.source_lines import with_source_lines
from tasks.validation.stack_settings import read_text
from tasks.validation.summary import reported_secrets, rerun_command, stage_durations
from tasks.validation.unbound import with_unbound_names

Images = tuple[DeliveredImage, ...]
Built = tuple[BuiltFiles, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Runs a job. `begun` is called with the run as soon as its checks have started.

    `open_work` opens the executor of the checks: an engine here, or shards elsewhere. The report and its results
    hold no value of the job's secrets.
    """

    job: Job
    directory: RunDirectory
    progress: Progress
    begun: Callable[[Run], None]
    open_work: OpenWork = open_engine_work

    async def run(self) -> Report:
        """Runs the plan. Raises only if no report can be made; every process that it started has ended then."""
        started_at, zero = datetime.now(UTC), time.monotonic()
        job, plan = self.job, self.job.scope.plan
        planned = PlannedChecks(
            titles={check.id: check.title for check in plan.checks},
            usual=read_history(job.user_dirs.cache, job.scope.home).seconds,
            needs={check.id: check.needs for check in plan.checks},
        )
        self.progress.begin(planned)
        async with self.open_work(job, self.directory.logs, self.progress.note) as work:
            with part(CHECKS):
                run = Run(plan, work, self.progress, self._policy(work))
                run.start()
                self.begun(run)
                done = await self._results(run)
            decided = time.monotonic()
            results = await asyncio.to_thread(self._explained, done)
            verdict = give_verdict(
                list(results.values()),
                whole=plan.whole,
                ended=run.ended,
                gate=job.settings.gate,
                has_component=bool(job.scope.stack.components),
            )
            compared = await self._compared(results, work)
            verdict = judged(verdict, compared.gate)
            images, built, verdict = await self._deliver(run, work, verdict)
            note_part("verdict", decided)
            closing = time.monotonic()
        note_part("close", closing)
        took = {check_id: each.duration for check_id, each in results.items() if each.passed and not each.cached}
        spent = work.spent if isinstance(work, EngineWork) else {}
        used = {check_id: spent[check_id].cpu_of(took[check_id]) for check_id in took if check_id in spent}
        write_history(job.user_dirs.cache, job.scope.home, took, used, wanted=load_per_processor())
        report = self._report(results, verdict, work.facts, started_at, time.monotonic() - zero)
        report = work.completed(replace(report, images=images, built=built, compared=compared))
        report = redact(report, job.secrets.redactor)
        run.publish(report)
        return report

    async def _compared(self, results: dict[str, Result], work: Work) -> Comparison:
        """Compares the run with what was before it. A shard leaves that to the run that it is a part of."""
        if self.job.whole is not None:
            return NO_COMPARISON
        keys = work.keys() if isinstance(work, EngineWork) else {}
        return await asyncio.to_thread(compare, self.job, self.directory, results, work.facts.name, keys)

    def _policy(self, work: Work) -> Policy:
        job, is_here = self.job, isinstance(work, EngineWork)
        known, cores = read_history(job.user_dirs.cache, job.scope.home), processors()
        return Policy(
            # checks that run elsewhere take no slot of this machine
            jobs=(job.settings.jobs or MOST * cores) if is_here else len(job.scope.plan.checks),
            cores=cores if is_here and not job.settings.jobs else math.inf,
            fail_fast=job.settings.fail_fast,
            is_part=job.whole is not None,
            seconds=known.seconds,
            loads=known.loads,
            redactor=job.secrets.redactor,
            own=own_work(job.scope, job.environ, job.token) if is_here else {},
        )

    def _explained(self, results: dict[str, Result]) -> dict[str, Result]:
        """Adds to errors their places, why a deploy lacks absent files, and what has no value for a Worker."""
        scope = self.job.scope
        if all(result.status not in {Status.FAILED, Status.ERRORED} for result in results.values()):
            return results
        lookup = absent_files(scope.tree)
        components = {each.path: each for each in scope.stack.components}
        found: dict[str, Result] = {}
        for check in scope.plan.checks:
            placed = with_source_lines(results[check.id], check.component, scope.tree.files.keys(), self._text)
            explained = lookup.explained(check, placed)
            found[check.id] = with_unbound_names(explained, components.get(check.component), self._text)
        return found

    def _text(self, path: str) -> str:
        with suppress(TreeError):  # the file may be gone by now
            return read_text(self.job.scope.tree, path)
        return ""

    async def _results(self, run: Run) -> dict[str, Result]:
        """Waits for all checks. The run is stopped when its budget is spent."""
        budget = self.job.settings.budget
        loop, timer = asyncio.get_running_loop(), None
        if budget is not None:
            timer = loop.call_later(budget, run.stop, "budget", f"the budget of {budget:g} s is spent")
        try:
            return await run.wait()
        except asyncio.CancelledError:
            run.stop("interrupted", "the run was cancelled")
            await run.wait()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    async def _deliver(self, run: Run, work: Work, verdict: Verdict) -> tuple[Images, Built, Verdict]:
        """Exports and publishes what was built, if all checks passed. If that fails, the verdict is no pass."""
        delivered: list[DeliveredImage] = []
        built: Built = ()
        if verdict.outcome is not Outcome.PASSED or not isinstance(work, EngineWork):
            return (), (), verdict
        try:
            if self.job.scope.built is not None:
                self.progress.note("exporting and publishing the built files")
                built = await run.follow_up(hand_over(work.engine, self.job.scope.handovers, self.job.scope.built))
            for delivery in self.job.scope.deliveries:
                self.progress.note(f"handing on the {delivery.image.title}")
                delivered.append(await run.follow_up(deliver(work.engine, delivery)))
        except EngineError as error:
            verdict = Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=f"all checks passed, but {error}")
        except asyncio.CancelledError:
            if run.ended is None:
                raise
            verdict = give_verdict((), whole=False, ended=run.ended)
        return tuple(delivered), built, verdict

    def _rerun(self, names: list[str]) -> str:
        return rerun_command(self.job.called_as, self.job.shown_stack, names, self.job.settings.environment)

    def _report(
        self, results: dict[str, Result], verdict: Verdict, engine: EngineFacts, started_at: datetime, duration: float
    ) -> Report:
        job = self.job
        plan, tree, gate = job.scope.plan, job.scope.tree, job.settings.gate
        red = [check.id for check in plan.checks if results[check.id].status in {Status.FAILED, Status.ERRORED}]
        found = (finding for result in results.values() for finding in result.diagnostics)
        warnings = without_reported(job.scope.tree, job.scope.stack, found)
        checks = tuple(
            CheckReport(
                id=check.id,
                name=check.name,
                title=check.title,
                component=check.component,
                stage=check.stage,
                result=results[check.id],
                rerun=self._rerun([check.id]) if check.id in red else "",
                needs=check.needs,
                has_tests=any(command.selection for command in check.commands),
            )
            for check in plan.checks
        )
        return Report(
            verdict=verdict,
            checks=checks,
            engine=engine,
            run=RunFacts(id=self.job.run_id),
            stack=tree.root.name,
            tree=tree.digest,
            commit=tree.commit if tree.commit and (gate or not tree.changed) else "",
            gate=gate,
            directory=self.directory.location,
            place=str(job.kept / job.run_id if job.kept else self.directory.final),
            started_at=started_at.isoformat(timespec="milliseconds"),
            duration=duration,
            untracked=tree.untracked,
            warnings=(*reported_secrets(job.secrets), *warnings, *job.exposure.notes(engine.name)),
            production=job.scope.production,
            secrets=job.secrets.facts,
            rerun=self._rerun(red) if red else "",
            stage_durations=stage_durations(results, plan),
        )
