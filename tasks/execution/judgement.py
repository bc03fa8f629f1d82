"""Judges an exit from facts: passed, failed (the stack's fault), or errored (no verdict). Pure.

A command carries the reason codes of its row; the other codes are in `tasks.reason_codes`.

Error text alone never makes a step failed. An execute step fails only by an exit code that its row lists as a verdict,
while the engine reports no trouble. An acquire step fails only on proof: installer output that blames the stack's
files, while the registry answers a control request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.diagnostics import missing_parts
from tasks.execution.proofs import LOCAL_PROOFS, PROOFS, UNBUILT
from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Severity, Status, TestCounts
from tasks.reason_codes import ReasonCode
from tasks.steps import Command, Fact

# Signals that mean a crash of the program itself. Any other signal came from outside.
CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 9: "SIGKILL", 15: "SIGTERM", **CRASHES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an exit means.

    `again`: a retry may give a verdict. `crash`: the program crashed. `explained`: the first error in the output, if
    any, is a better reason than `reason`. `host` is the one that was not reached, if the output names it.
    """

    status: Status
    reason_code: str = ""
    reason: str = ""
    again: bool = False
    crash: bool = False
    explained: bool = False
    host: str = ""


PASS = Judgement(status=Status.PASSED)


def errored(code: str, reason: str, *, again: bool = False, crash: bool = False, explained: bool = False) -> Judgement:
    """Returns a judgement without a verdict."""
    return Judgement(
        status=Status.ERRORED, reason_code=str(code), reason=reason, again=again, crash=crash, explained=explained
    )


def skipped(code: str, reason: str) -> Judgement:
    """Returns the judgement of a check that was not tried, for a cause outside the tree."""
    return Judgement(status=Status.SKIPPED, reason_code=str(code), reason=reason)


def failed(code: str, reason: str, *, explained: bool = True) -> Judgement:
    """Returns the judgement that the stack is at fault."""
    return Judgement(status=Status.FAILED, reason_code=str(code), reason=reason, explained=explained)


def unwell(exit: Exit, trouble: tuple[str, str] | None) -> Judgement | None:
    """Returns an errored judgement if the engine reports trouble, which makes the exit meaningless; otherwise None."""
    if exit.trouble:
        return errored(exit.trouble, exit.detail or exit.trouble, explained=exit.trouble == ReasonCode.ACQUIRE)
    if trouble is not None and exit.code != 0:
        return errored(*trouble)
    return None


def judge(command: Command, exit: Exit, trouble: tuple[str, str] | None) -> Judgement:
    """Judges the exit of an execute command. `trouble`: reason code and reason that the engine gave after a failure."""
    if (sick := unwell(exit, trouble)) is not None:
        return sick
    gone = next((each for each in exit.services if each.ended), None)
    if gone is not None:
        # an answer came from another process, not from the server that was started
        server = next((each for each in command.services if each.label == gone.name), None)
        return by_service(gone, server)
    if exit.code == 0:
        return PASS
    if exit.timed_out:
        # output before the time limit does not explain the timeout
        reason = f"{command.label} was still running after {command.limit:g} s"
        return failed(ReasonCode.TIMEOUT, reason, explained=False)
    if exit.signal is not None:
        return by_signal(command.label, exit.signal)
    return by_code(command, exit)


def refined(
    command: Command, judgement: Judgement, diagnostics: Sequence[Diagnostic], tests: TestCounts | None
) -> Judgement:
    """Replaces the reason code by a more exact one that the findings give. Never changes the status."""
    first = next((each for each in diagnostics if each.severity is Severity.ERROR), None)
    facts: dict[Fact, bool] = {
        "python_error": first is not None and (first.file or "").endswith(".py"),
        "no_tests": tests is None,
    }
    exact = (exact for code, fact, exact in command.refined if code == judgement.reason_code and facts[fact])
    return replace(judgement, reason_code=next(exact, judgement.reason_code))


def by_code(command: Command, exit: Exit) -> Judgement:
    """Judges an exit code: nothing to do, a verdict, a known reason for no verdict, or unknown to the row."""
    code = exit.code
    if code in command.empty:
        return PASS
    verdicts, unfit = dict(command.verdicts), dict(command.unfit)
    if code in verdicts and re.search(command.proves, f"{exit.stdout}\n{exit.stderr}"):
        return failed(verdicts[code], f"{command.label}: exit code {code}")
    if code in unfit:
        return by_unfit(command, unfit[code], f"{command.label}: exit code {code}")
    missing = {126: "is not executable", 127: "was not found"}.get(code or 0)
    if missing:
        program = command.argv[0] if command.argv else command.label
        return errored(ReasonCode.TOOL_MISSING, f"{program} {missing}: is it among the locked dependencies?")
    if code is not None and code - 128 in SIGNALS:  # shells and package managers report a signal as 128 + its number
        return by_signal(command.label, code - 128)
    reason = f"{command.label} ended with exit code {code}, which has no known meaning for this check"
    return errored(ReasonCode.UNKNOWN_EXIT, reason, again=True, explained=True)


def by_unfit(command: Command, reason_code: str, reason: str) -> Judgement:
    """Returns an errored judgement for a reason that the row lists."""
    return errored(reason_code, reason, explained=reason_code in command.explained)


def by_signal(program: str, signal: int) -> Judgement:
    """Judges a signal: the program crashed, or another process killed it."""
    name = SIGNALS.get(signal, f"signal {signal}")
    if signal in CRASHES:
        return errored(ReasonCode.CRASH, f"{program} crashed with {name}", again=True, crash=True)
    return errored(ReasonCode.KILLED, f"{program} was killed by {name} from outside", again=True)


def by_service(service: ServiceExit, server: Command | None) -> Judgement:
    """Judges a server that ended while it was needed. A server command without verdicts belongs to predeploy."""
    if service.signal is not None:
        return by_signal(f"the {service.name}", service.signal)
    reason = f"the {service.name} ended with exit code {service.code} while it was needed"
    unfit = dict(server.unfit) if server else {}
    if server is not None and service.code in unfit:
        return by_unfit(server, unfit[service.code], reason)
    if server is not None and not server.verdicts:
        return errored(ReasonCode.SERVICE_ENDED, reason, again=True)
    if server is not None and dict(server.verdicts).get(service.code or 0) == ReasonCode.TOOL_MISSING:
        return failed(ReasonCode.TOOL_MISSING, f"production lacks the program that it starts: {server.argv[0]}")
    return failed(ReasonCode.NOT_READY, reason)


def judge_acquire(command: Command, exit: Exit, trouble: tuple[str, str] | None, *, registry: bool) -> Judgement:
    """Judges the exit of an acquire command. `registry`: whether the package registry answered a control request.

    A fault in the stack's own files (a stale lock, a broken manifest) is a failure even without a registry.
    """
    if exit.code == 0 and not exit.trouble:
        return PASS
    if (sick := unwell(exit, trouble)) is not None:
        return sick
    if exit.timed_out:
        return errored(ReasonCode.TIMEOUT, f"{command.label} was still running after {command.limit:g} s")
    if exit.signal is not None:
        return by_signal(command.label, exit.signal)
    text = exit.stderr + "\n" + exit.stdout
    if registry and (lack := judge_lack(command, text)) is not None:
        return lack
    proof = next((code for code, pattern in PROOFS if pattern.search(text)), None)
    if proof is not None and (registry or proof in LOCAL_PROOFS):
        return failed(proof, f"{command.label}: {proof.replace('_', ' ')}")
    if not registry:
        return errored(ReasonCode.REGISTRY, f"{command.label}: the package registry does not answer")
    if UNBUILT.search(text):
        reason = (
            f"{command.label}: {missing_parts.unbuilt_package(text) or 'a package'} could not be built on this machine"
        )
        return errored(ReasonCode.BUILD_FAILED, reason, again=True)
    reason = f"{command.label} ended with exit code {exit.code}"
    return errored(ReasonCode.ACQUIRE, reason, again=True, explained=True)


def judge_lack(command: Command, text: str) -> Judgement | None:
    """Returns an errored judgement if this machine lacks what the packages need: a compiler, a library, credentials."""
    if UNBUILT.search(text) and (part := missing_parts.missing_part(text)):
        name = missing_parts.unbuilt_package(text) or "a package"
        advice = f". Install it: apt-get install -y {part.packages}" if part.packages else ""
        reason = f"{command.label}: {name} could not be built, because {part.name} is missing here{advice}"
        return errored(ReasonCode.BUILD_FAILED, reason)
    if host := missing_parts.unreachable_repository(text):
        return errored(ReasonCode.NETWORK, f"{command.label}: {host}", again=True)
    if source := missing_parts.private_source(text):
        return errored(ReasonCode.PRIVATE_SOURCE, f"{command.label}: {source}")
    if host := missing_parts.unreachable_source(text):
        return errored(ReasonCode.PRIVATE_SOURCE, f"{command.label}: {host}", again=True)
    return None
