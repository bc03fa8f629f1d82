"""Gathers the facts about this machine for a failed command, and judges whether they are its cause."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tasks.execution.causes.build_variables import blamed_reads, blamed_variables
from tasks.execution.causes.left_out_step import judge_left_out
from tasks.execution.causes.machine_causes import (
    BUSY,
    MachineFacts,
    caused_here,
    limit_setting,
    listened_late,
    scale_of,
    timed_out,
)
from tasks.execution.causes.missing_command import judge_absent
from tasks.execution.causes.other_python import RunningPython
from tasks.execution.causes.raised_errors import raised_errors
from tasks.execution.causes.unreachable import unreachable_reason
from tasks.execution.causes.unreached_build import unreached_host
from tasks.execution.causes.worker_data import judge_worker
from tasks.execution.findings import Findings
from tasks.execution.judgement import Judgement, errored
from tasks.exits import Exit, Prepared
from tasks.models import Severity, Status
from tasks.production import NOWHERE, Sourced, SystemInstall
from tasks.reason_codes import ReasonCode
from tasks.settings.mistakes import spelled
from tasks.stack import Stack
from tasks.steps import LIMIT, Check, Command, Environment, Step

PACKAGED = frozenset({"production", "development"})
"""Environments whose packages run on a Python of this machine, or on a base image without the image's own packages."""

NOT_STARTED = (126, 127)
UNNAMED = "a server of another host"
"""The service of an error of a client for HTTP."""
OWN_LIMIT = re.compile(r"Timeout \(>[\d.]+s\) from pytest-timeout")
COVERAGE = re.compile(r"Required test coverage of|Coverage failure")
"""What pytest-cov says if tests that failed did not run the code."""
BUILDERS = frozenset({"site_build", "wrangler"})
"""Parsers of build scripts. pnpm hides the exit code of a shell that does not find a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The time that a step was given, and how busy the machine was before and after it."""

    limit: float
    load: float


def given_time(step: Step, load: float) -> Step:
    """Returns the step, and the HEALTHCHECK of its servers, with a longer limit if the machine is busy."""
    scale = scale_of(load)
    limit = step.limit * scale
    services = tuple(replace(each, patience=scale) for each in step.services)
    argv = tuple(part.replace(LIMIT, f"{limit:g}") for part in step.argv)
    return replace(step, limit=limit, argv=argv, services=services)


def running_python(environment: Environment, prepared: Prepared) -> list[RunningPython]:
    """Returns the interpreter of the stack's packages, if the engine names its version."""
    name, _, version = prepared.version.partition(" ")
    if name != "Python" or environment.files or version.count(".") < 1:
        return []
    full = version if version.count(".") == 2 else f"{version}.0"
    return [RunningPython(version=full, required=environment.version)]


def judge_machine(
    check: Check, command: Command, exit: Exit, findings: Findings, stack: Stack, *, has_images: bool
) -> Judgement | None:
    """Returns an errored judgement if a failure has its cause in this machine; otherwise None."""
    is_shell = exit.code in NOT_STARTED or command.parser in BUILDERS
    component = next((each for each in stack.components if each.path == check.component), None)
    packages = component.node.dependencies if component and component.node else ()
    if is_shell and (absent := judge_absent(command, exit, packages)) is not None:
        return absent
    served_in_image = has_images and check.image is not None
    outputs = () if served_in_image else tuple(each.output for each in exit.services)
    errors = raised_errors(command, exit, findings.diagnostics, outputs, runs_tests=findings.tests is not None)
    programs = {program.environment for program in command.programs}
    facts = MachineFacts(
        pythons=tuple(findings.pythons) if programs & PACKAGED else (),
        installs=installs_of(check, stack),
        frontend=frontend_of(check, stack),
        has_libraries=command.environment == "image",
    )
    found = caused_here(errors, facts) or judge_left_out(component, command, findings.diagnostics)
    if command.parser in BUILDERS and (found is None or found.reason_code == ReasonCode.NETWORK):
        return judge_variables(check, command, exit, findings, stack) or judge_unreached(exit, findings)
    return found or judge_worker(component, command, exit, findings.diagnostics)


def judge_variables(check: Check, command: Command, exit: Exit, findings: Findings, stack: Stack) -> Judgement | None:
    """Returns an errored judgement if the build failed because of a variable that only production has."""
    first = next((each for each in findings.diagnostics if each.severity is Severity.ERROR), None)
    message = first.message if first else ""
    names = blamed_variables(message, f"{exit.stdout}\n{exit.stderr}", dict(command.env))
    if not names:
        nodes = (each.node for each in stack.components if each.path == check.component and each.node)
        reads = [read for node in nodes for read in node.private]
        names = blamed_reads(first, reads, {*dict(command.env), *command.secrets})
    if not names:
        return None
    table, said = spelled(("component", check.component, "env")), message or f"exit code {exit.code}"
    lines = ", ".join(f'{name} = "…"' for name in names)
    reason = f"the build needs {', '.join(names)}, which only production has: {said}"
    return errored(ReasonCode.VARIABLE_ABSENT, f"{reason}. Set in predeploy.toml: [{table}] {lines}")


def judge_unreached(exit: Exit, findings: Findings) -> Judgement | None:
    """Returns an errored judgement if a build may have failed because it did not reach a host. A probe decides."""
    first = next((each for each in findings.diagnostics if each.severity is Severity.ERROR), None)
    host = unreached_host(first, f"{exit.stdout}\n{exit.stderr}")
    if host is None:
        return None
    said = first.message if first else f"the build ended with exit code {exit.code}"
    return replace(errored(ReasonCode.NETWORK, unreachable_reason(host, said)), host=host)


async def probed(
    command: Command, judgement: Judgement, blamed: Judgement, reaches: Callable[[str], Awaitable[bool]]
) -> Judgement:
    """Returns `blamed`, or the failure of a build if this machine does reach the host: another attempt may pass."""
    is_network = judgement.status is Status.FAILED and blamed.reason_code == ReasonCode.NETWORK
    if is_network and blamed.host and command.parser in BUILDERS and await reaches(blamed.host):
        return replace(judgement, again=True)
    return blamed


def installs_of(check: Check, stack: Stack) -> tuple[SystemInstall, ...]:
    """Returns the system packages that production installs for the check's component."""
    webs = (each.web for each in stack.components if each.path == check.component and each.web)
    return next((web.installs for web in webs), ())


def frontend_of(check: Check, stack: Stack) -> Sourced:
    """Returns the command that builds the frontend of the check's component."""
    webs = (each.web for each in stack.components if each.path == check.component and each.web)
    return next((web.frontend for web in webs), NOWHERE)


def judge_time(check: Check, command: Command, exit: Exit, judgement: Judgement, effort: Effort) -> Judgement:
    """Judges a command over its limit: the machine may have been too busy. Otherwise the reason names the setting."""
    if judgement.reason_code != ReasonCode.TIMEOUT:
        return judgement
    setting = limit_setting(check.name, effort.limit)
    late = timed_out(command, effort.limit, exit.cpu, effort.load, setting)
    return late or replace(judgement, reason=f"{judgement.reason}. If it needs more time: {setting}")


def judge_silence(check: Check, exit: Exit, judgement: Judgement, effort: Effort, findings: Findings) -> Judgement:
    """Judges a server that runs and did not listen in time. Otherwise its findings name the setting for more time."""
    if (slow := judge_slow_tests(findings, effort)) is not None:
        return slow
    if judgement.reason_code != ReasonCode.NOT_READY or any(each.ended for each in exit.services):
        return judgement
    setting = limit_setting(check.name, effort.limit)
    server = exit.services[-1] if exit.services else None
    name, cpu = (server.name, server.cpu) if server else ("server", None)
    late = listened_late(name, effort.limit, cpu, effort.load, setting)
    findings.add_hint(ReasonCode.NOT_READY, f"If it needs more time: {setting}")
    return late or judgement


def judge_slow_tests(findings: Findings, effort: Effort) -> Judgement | None:
    """Returns an errored judgement if all failed tests exceeded the limit of pytest-timeout on a busy machine."""
    errors = [each.message for each in findings.diagnostics if each.severity is Severity.ERROR]
    failed = [each for each in errors if not COVERAGE.match(each)]
    if effort.load < BUSY or not failed or not all(OWN_LIMIT.search(each) for each in failed):
        return None
    reason = (
        f"tests exceeded the limit of pytest-timeout on a busy machine ({effort.load:.1f} programs for each "
        f"processor): {failed[0]}. Run it again on an idle machine"
    )
    return errored(ReasonCode.TIMEOUT, reason)


def more_exact(here: Judgement | None, production: Judgement | None) -> Judgement | None:
    """Returns the more exact of two judgements: a service by name before a host, a host before an unknown service."""
    if here is None or production is None or here.reason_code != ReasonCode.NETWORK:
        return here or production
    is_named = production.reason_code != ReasonCode.SERVICE_ABSENT or UNNAMED not in production.reason
    return production if is_named else here
