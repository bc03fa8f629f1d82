"""Runs the commands of a check in order until one does not pass, and retries once where a retry may help."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.diagnostics import Parsed
from tasks.engines.machine import load_per_processor
from tasks.engines.protocol import Engine
from tasks.execution.causes.installer_versions import doubted
from tasks.execution.durations import Spent
from tasks.execution.evidence import idle, worked
from tasks.execution.excuses import excuse
from tasks.execution.findings import Findings, as_warnings, lock_of, plain, reason_of, without_base
from tasks.execution.judgement import PASS, Judgement, errored, failed, judge, judge_acquire, refined
from tasks.execution.log_names import log_names
from tasks.execution.machine_excuses import (
    Effort,
    given_time,
    judge_machine,
    judge_silence,
    judge_time,
    more_exact,
    probed,
    running_python,
)
from tasks.execution.owners import owners_of
from tasks.execution.parsing import parse_output
from tasks.execution.reachability import reaches, registries_answer
from tasks.exits import Exit, Prepared, ServiceExit
from tasks.models import Diagnostic, Proof, Result, Severity, Status
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.reason_codes import ReasonCode
from tasks.report.parts import COMMAND, PREPARE, part
from tasks.steps import Check, Command, Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Runs checks on an engine and returns their results. Never raises for a failed or errored check."""

    plan: Plan
    engine: Engine
    lowering: Lowering
    logs: Path
    migrated: dict[str, int] = field(default_factory=dict)
    """By component, the attempt whose database other checks copy. An earlier attempt may have left a partial one."""
    load: Callable[[], float] = load_per_processor
    reaches: Callable[[str], Awaitable[bool]] = reaches
    spent: dict[str, Spent] = field(default_factory=dict)
    """By check, the time of its commands. A check is absent if the engine does not measure it."""
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By check whose installation failed, the earlier checks of the plan that install from the same files."""

    async def run(self, check: Check) -> Result:
        """Returns the result. Retries once if the attempt gave no verdict and the engine reports no trouble."""
        first, judgement = await self._once(check, 1)
        if not judgement.again or await self._trouble(check) is not None:
            return first
        second, again = await self._once(check, 2)
        same = judgement.crash and again.crash and again.reason == judgement.reason
        if same and await self._trouble(check) is None:
            verdict = failed(ReasonCode.CRASH, f"{again.reason}, twice")
            second = replace(second, status=verdict.status, reason_code=verdict.reason_code, reason=verdict.reason)
        return replace(second, attempts=2)

    async def _once(self, check: Check, number: int) -> tuple[Result, Judgement]:
        log = self.logs / log_names(tuple(each.id for each in self.plan.checks))[check.id]
        findings = Findings(gaps=[gap for name, gap in check.requires if name not in self.engine.provides])
        judgement = PASS
        self.owners.pop(check.id, None)
        for command in check.commands:
            if command.environment == "image" and "image" not in self.engine.provides:
                continue  # the gap is noted above
            blocked = await self._prepare(check, command, findings, log)
            judgement = blocked or await self._command(check, command, number, findings, log)
            judgement = refined(command, judgement, findings.diagnostics, findings.tests)
            if command.tree == "base":
                judgement = without_base(command, judgement, findings)
            if judgement.status is not Status.PASSED:
                break
        if check.database == "template" and judgement.status is Status.PASSED:
            self.migrated[check.component] = number
        return self._result(check, judgement, findings, log), judgement

    async def _trouble(self, check: Check) -> tuple[str, str] | None:
        """Returns the engine's trouble, if it concerns the check. A lost database concerns only checks that use one."""
        trouble = await self.engine.trouble()
        return None if trouble and trouble[0] == ReasonCode.SERVICE_LOST and not check.database else trouble

    def _result(self, check: Check, judgement: Judgement, findings: Findings, log: Path) -> Result:
        passed = judgement.status is Status.PASSED
        findings.name_lock(lock_of(self.lowering.stack, check.component))
        return Result(
            check=check.id,
            status=judgement.status,
            cached=passed and not findings.ran,
            reason_code=judgement.reason_code,
            reason=reason_of(judgement, findings),
            proof=Proof(gaps=tuple(dict.fromkeys(findings.gaps))),
            summary=", ".join(findings.summaries) if passed else "",
            tests=findings.tests,
            exit_code=findings.exit_code,
            log=f"logs/{log.name}",
            # a passed check reports no errors
            diagnostics=tuple(dict.fromkeys(as_warnings(findings.diagnostics) if passed else findings.diagnostics)),
        )

    async def _prepare(self, check: Check, command: Command, findings: Findings, log: Path) -> Judgement | None:
        """Installs the packages of the command and its servers. Returns a judgement if an installation failed."""
        for environment in self.lowering.environments(check, command.programs):
            with part(environment.title, PREPARE, check=check.id):
                prepared = await self.engine.prepare(environment, log)
            findings.gaps += prepared.gaps
            findings.pythons += running_python(environment, prepared)
            if prepared.exit.code != 0 or prepared.exit.trouble:
                return await self._unprepared(check, environment, prepared, findings, log)
        return None

    async def _unprepared(
        self, check: Check, environment: Environment, prepared: Prepared, findings: Findings, log: Path
    ) -> Judgement:
        command = prepared.command or environment.commands[-1]
        self._read(check, command, prepared.exit, findings)
        judgement = await self._acquired(check, command, environment, prepared.exit, log)
        nodes = (each.node for each in self.lowering.stack.components if each.node)
        judgement = doubted(judgement, environment, prepared, {name for node in nodes for name in node.dependencies})
        findings.diagnostics += [] if findings.diagnostics else plain(command, judgement)
        self.owners[check.id] = owners_of(self.plan, self.lowering, check, environment, findings.diagnostics)
        return judgement

    async def _acquired(
        self, check: Check, command: Command, environment: Environment, exit: Exit, log: Path
    ) -> Judgement:
        trouble = await self._trouble(check)
        registry = exit.code == 0 or bool(exit.trouble) or await self.engine.answers(environment, log)
        judgement = judge_acquire(command, exit, trouble, registry=registry)
        if environment.is_own and judgement.status is Status.FAILED:
            reason = f"the installation of {environment.title} failed: {judgement.reason}"
            return errored(ReasonCode.ACQUIRE, reason, again=True, explained=True)
        return judgement

    async def _command(self, check: Check, command: Command, number: int, findings: Findings, log: Path) -> Judgement:
        migrated = self.migrated.get(check.migrated_by or check.component, 1)
        step = self.lowering.step(check, command, number, migrated)
        load = self.load()
        step = given_time(step, load)
        with part(command.label, COMMAND, check=check.id):
            exit = await self.engine.run(step, log)
        findings.exit_code = exit.code
        findings.ran |= not exit.reused
        if exit.cpu is not None and not exit.reused:
            self.spent[check.id] = self.spent.get(check.id, Spent()).plus(exit.cpu, exit.duration)
        self._read(check, command, exit, findings)
        judgement = await self._judged(check, command, exit, log)
        if judgement.status is Status.FAILED or judgement.reason_code == ReasonCode.TOOL_MISSING:
            effort = Effort(limit=step.limit, load=max(load, self.load()))
            blamed = self._blamed(check, command, exit, judgement, findings, effort)
            judgement = await probed(command, judgement, blamed, self.reaches)
        if judgement.status is not Status.PASSED:
            self._explain(check, command, exit, judgement, findings)
        return judgement

    def _blamed(
        self, check: Check, command: Command, exit: Exit, judgement: Judgement, findings: Findings, effort: Effort
    ) -> Judgement:
        """Returns the failure, or an error if its cause is in this machine, or something that only production has."""
        if exit.timed_out:
            return judge_time(check, command, exit, judgement, effort)
        has_images, stack = "image" in self.engine.provides, self.lowering.stack
        here = judge_machine(check, command, exit, findings, stack, has_images=has_images)
        if judgement.status is not Status.FAILED:
            return here or judgement
        cause = more_exact(here, excuse(check, exit, findings.diagnostics, builds_image=command.builds_image))
        return cause or judge_silence(check, exit, judgement, effort, findings)

    async def _judged(self, check: Check, command: Command, exit: Exit, log: Path) -> Judgement:
        if command.phase == "acquire" and exit.code != 0:
            environment = self.lowering.environment(check, command.environment or "production", command.tree)
            assert environment is not None
            return await self._acquired(check, command, environment, exit, log)
        trouble = None if exit.code == 0 else await self._trouble(check)
        judgement = judge(command, exit, trouble)
        if judgement.status is Status.FAILED:
            judgement = await self._excused(check, command, judgement, log)
        done = exit.code != 0 or judgement.status is not Status.PASSED or worked(command, exit)
        return judgement if done else idle(command)

    async def _excused(self, check: Check, command: Command, judgement: Judgement, log: Path) -> Judgement:
        """Returns the failure, or an error if a package registry that it needs does not answer."""
        if judgement.reason_code in command.downloads and not await registries_answer(
            self.engine, self.lowering, check, log
        ):
            why = f"{command.label}: a RUN instruction failed or did not end, and a package registry does not answer"
            return errored(ReasonCode.REGISTRY, why)
        return judgement

    def _parsed(self, reader: str, check: Check, command: Command, exit: Exit) -> Parsed:
        copies = self._copies(check) if command.environment == "image" else ()
        return parse_output(reader, exit.stdout, exit.stderr, root=exit.root, command=command, copies=copies)

    def _copies(self, check: Check) -> tuple[tuple[str, str], ...]:
        """Returns pairs of image path and stack path that the image copies; empty if the engine runs no images."""
        return check.image.copies if check.image and "image" in self.engine.provides else ()

    def _read(self, check: Check, command: Command, exit: Exit, findings: Findings) -> None:
        if command.parser or exit.code != 0:
            findings.take(self._parsed(command.parser or "plain", check, command, exit))

    def _explain(self, check: Check, command: Command, exit: Exit, judgement: Judgement, findings: Findings) -> None:
        """Adds diagnostics of the servers; without a parsed error also a traceback, or else the last output line."""
        if judgement.reason_code == ReasonCode.TIMEOUT:
            findings.diagnostics[:0] = plain(command, judgement)
            return
        first = next((each for each in findings.diagnostics if each.severity is Severity.ERROR), None)
        if first is not None:
            served = self._served(check, command, exit)
            # a server's traceback explains a bad answer; a server that did not listen, only if it names a stack file
            has_ended = any(each.ended for each in exit.services)
            relevant = [each for each in served if each.file or has_ended or judgement.reason_code in command.answered]
            index = len(findings.diagnostics) if first.file else 0  # an error with a file stays first
            findings.diagnostics[index:index] = relevant
            return
        for reader in ("traceback", "plain"):
            parsed = self._parsed(reader, check, command, exit)
            if parsed.diagnostics:
                findings.diagnostics += parsed.diagnostics
                return
        findings.diagnostics += self._served(check, command, exit) or plain(command, judgement)

    def _served(self, check: Check, command: Command, exit: Exit) -> list[Diagnostic]:
        """Returns the errors in the servers' output. For a server that ended, its last line counts as an error."""
        servers = {each.label: each for each in command.services}
        return [
            found
            for each in exit.services
            if each.name in servers
            for found in self._words(check, servers[each.name], each, exit.root)
        ]

    def _words(self, check: Check, server: Command, said: ServiceExit, root: str) -> tuple[Diagnostic, ...]:
        reader = server.parser or "traceback"
        readers = (reader, "django_check", "plain") if said.ended else (reader,)
        copies = self._copies(check) if server.environment == "production" else ()
        found = (
            parse_output(each, "", said.output, root=root, command=server, copies=copies).diagnostics
            for each in readers
        )
        return next((each for each in found if each), ())
