"""One validation, from the plan to the report: the engine is opened, the checks run, the verdict is given."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_hex

from flows.distribution.base_images import resolve_images
from flows.distribution.parameters import Distribution
from tasks.engines.context import EngineContext
from tasks.engines.opening import EngineConfig, open_engine
from tasks.engines.protocol import Engine
from tasks.errors import EngineError
from tasks.execution.durations import read_durations, write_durations
from tasks.execution.executor import Policy, Run
from tasks.execution.verdict import give_verdict
from tasks.execution.work import EngineWork, Work
from tasks.exports.files import hand_over
from tasks.exports.images import deliver
from tasks.hardening import NOTHING_EXPOSED, Exposure
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
from tasks.planning.plan import Plan
from tasks.redaction.results import redact_report
from tasks.report.directory import RunDirectory
from tasks.report.live import Progress
from tasks.secrets import NO_SECRETS, Secrets
from tasks.secrets.doppler.token import Token
from tasks.trust import trust_of
from tasks.user_dirs import UserDirs
from tasks.validation.own_checks import own_work
from tasks.validation.scope import Scope
from tasks.validation.summary import reported_secrets, rerun_command, stage_durations

Images = tuple[DeliveredImage, ...]
Built = tuple[BuiltFiles, ...]


def new_run_id() -> str:
    """Sorts by time, and no two runs have the same."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{token_hex(3)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What a run is made with. `begun` is called with the run as soon as its checks have started.

    Nothing that comes out of it holds a value of the `secrets`. With a `distribution` workers elsewhere do the checks;
    `whole` is the plan that a shard's is a part of, and `images` are the base images of all shards.
    """

    scope: Scope
    user_dirs: UserDirs
    directory: RunDirectory
    progress: Progress
    environ: Mapping[str, str]
    run_id: str
    called_as: str
    shown_stack: str
    begun: Callable[[Run], None]
    secrets: Secrets = NO_SECRETS
    exposure: Exposure = NOTHING_EXPOSED
    token: Token | None = None
    is_trusted: bool = True
    distribution: Distribution | None = None
    whole: Plan | None = None
    images: Mapping[str, str] = field(default_factory=dict)

    async def run(self) -> Report:
        """Runs the plan. Raises only where no report can be made; every process that it started has ended then."""
        started_at, zero = datetime.now(UTC), time.monotonic()
        settings, plan = self.scope.settings, self.scope.plan
        self.progress.begin([(check.id, check.title) for check in plan.checks])
        async with contextlib.AsyncExitStack() as opened:
            work = await self._open_work(opened)
            run = Run(plan, work, self.progress, self._policy())
            run.start()
            self.begun(run)
            results = await self._results(run)
            verdict = give_verdict(list(results.values()), whole=plan.whole, ended=run.ended, gate=settings.gate)
            images, built, verdict = await self._deliver(run, work, verdict)
        took = {check_id: result.duration for check_id, result in results.items() if result.passed}
        write_durations(self.user_dirs.cache, self.scope.home, took)
        report = self._report(results, verdict, work.facts, started_at, time.monotonic() - zero)
        report = work.completed(replace(report, images=images, built=built))
        report = redact_report(report, self.secrets.redactor)
        run.publish(report)
        return report

    def _policy(self) -> Policy:
        settings, is_here = self.scope.settings, self.distribution is None
        return Policy(
            # nobody here gets out of breath over what is done elsewhere
            jobs=settings.jobs if is_here else len(self.scope.plan.checks),
            fail_fast=settings.fail_fast,
            is_part=self.whole is not None,
            seconds=read_durations(self.user_dirs.cache, self.scope.home),
            redactor=self.secrets.redactor,
            own=own_work(self.scope, self.environ, self.token) if is_here else {},
        )

    async def _open_work(self, opened: contextlib.AsyncExitStack) -> Work:
        """What does the checks: an engine of the run's own, or workers elsewhere."""
        logs = self.directory.logs
        if self.distribution is None:
            engine = await self._open_engine(opened)
            return EngineWork(self.scope.plan, engine, self.scope.lowering, logs, whole=self.whole)
        from flows.distribution.sharded_work import Sending, ShardedWork  # Prefect's client takes long to load

        seconds = read_durations(self.user_dirs.cache, self.scope.home)
        images = await resolve_images(self.scope, self.environ, logs / "dagger.log", self.progress.note)
        sending = Sending(run_id=self.run_id, logs=logs, seconds=seconds, images=images)
        return ShardedWork(self.scope, self.distribution, sending, self.progress.note)

    async def _open_engine(self, opened: contextlib.AsyncExitStack) -> Engine:
        """The engine of the run, ready."""
        settings = self.scope.settings
        images = {str(name): image for name, image in settings.images.items()}
        log = self.directory.logs / "dagger.log"
        config = EngineConfig(log=log, images=images, resolved=self.images, postgres=settings.postgres)
        return await open_engine(opened, settings.engine, self._engine_context(), config)

    def _engine_context(self) -> EngineContext:
        return EngineContext(
            tree=self.scope.tree,
            cache=self.user_dirs.cache,
            data=self.user_dirs.data,
            run_id=self.run_id,
            note=self.progress.note,
            environ=self.environ,
            secrets=self.secrets,
            trust=trust_of(self.is_trusted),
            base=self.scope.base and self.scope.base[0],
            fresh=self.scope.settings.gate,
        )

    async def _results(self, run: Run) -> dict[str, Result]:
        """Waits for all checks, with the budget watched."""
        budget = self.scope.settings.budget
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
        """Hands on what was built where all is green. Where that fails, what was asked for was not done: no pass."""
        delivered: list[DeliveredImage] = []
        built: Built = ()
        if verdict.outcome is not Outcome.PASSED or not isinstance(work, EngineWork):
            return (), (), verdict
        try:
            if self.scope.built is not None:
                self.progress.note("handing on what was built")
                built = await run.follow_up(hand_over(work.engine, self.scope.handovers, self.scope.built))
            for delivery in self.scope.deliveries:
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
        return rerun_command(self.called_as, self.shown_stack, names, self.scope.settings.environment)

    def _report(
        self, results: dict[str, Result], verdict: Verdict, engine: EngineFacts, started_at: datetime, duration: float
    ) -> Report:
        plan, tree, gate = self.scope.plan, self.scope.tree, self.scope.settings.gate
        red = [check.id for check in plan.checks if results[check.id].status in {Status.FAILED, Status.ERRORED}]
        checks = tuple(
            CheckReport(
                id=check.id,
                name=check.name,
                title=check.title,
                component=check.component,
                stage=check.stage,
                result=results[check.id],
                rerun=self._rerun([check.id]) if check.id in red else "",
            )
            for check in plan.checks
        )
        return Report(
            verdict=verdict,
            checks=checks,
            engine=engine,
            run=RunFacts(id=self.run_id),
            stack=tree.root.name,
            tree=tree.digest,
            commit=tree.commit if tree.commit and (gate or not tree.changed) else "",
            gate=gate,
            directory=self.directory.location,
            started_at=started_at.isoformat(timespec="milliseconds"),
            duration=duration,
            untracked=tree.untracked,
            warnings=(*reported_secrets(self.secrets), *self.scope.stack.warnings, *self.exposure.notes(engine.name)),
            secrets=self.secrets.facts,
            rerun=self._rerun(red) if red else "",
            stage_durations=stage_durations(results, plan),
        )
