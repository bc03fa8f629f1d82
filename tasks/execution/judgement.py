"""Whose fault is it? From the facts of an exit to passed, failed, or no verdict. Pure.

The reason codes of a row are in its command; those of this module are in `tasks.reason_codes`.

Never read from error text alone: an execute step is failed only by an exit code that its row calls a verdict, while
what it relied on is well; an acquire step only on proof, while the registry answers a control request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Severity, Status, TestCounts
from tasks.reason_codes import ReasonCode
from tasks.steps import Command, Fact

# A program that ends itself so crashed; any other signal came from outside.
CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 9: "SIGKILL", 15: "SIGTERM", **CRASHES}

# What installers say where the stack's own files are the reason, by reason code.
PROOFS: tuple[tuple[ReasonCode, re.Pattern[str]], ...] = (
    (
        ReasonCode.LOCK_STALE,
        re.compile(
            r"ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"
            r"|package\.json and package-lock\.json.*in sync"
            r"|lockfile.* needs to be updated|`--locked` was provided|in `--require-hashes` mode, all requirements"
            r"|no trusted hash was provided|Missing: .* from lock file"
            r"|ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY|ERR_PNPM_NO_LOCKFILE",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.HASH_MISMATCH,
        re.compile(r"hash mismatch|EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|do not match the hash", re.IGNORECASE),
    ),
    (
        ReasonCode.NOT_FOUND,
        re.compile(
            r"was not found in the package registry|ERR_PNPM_FETCH_404|ERR_PNPM_NO_MATCHING_VERSION|\bE404\b|ETARGET"
            r"|there (?:is|are) no versions? of|no version of",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.UNSATISFIABLE,
        re.compile(
            r"No solution found|unsatisfiable|ERESOLVE|requires-python.*(?:does not|not satisf|incompatible)",
            re.IGNORECASE,
        ),
    ),
    (
        ReasonCode.MANIFEST_BROKEN,
        re.compile(
            r"Failed to parse|TOML parse error|EJSONPARSE|ERR_PNPM_BROKEN_LOCKFILE|ERR_PNPM_JSON_PARSE|JSON_PARSE"
            r"|ERR_PNPM_BAD_PACKAGE_JSON|Couldn't parse requirement|EUSAGE|File not found: `",
            re.IGNORECASE,
        ),
    ),
)
# These need no answer of a registry.
LOCAL_PROOFS = frozenset({ReasonCode.LOCK_STALE, ReasonCode.MANIFEST_BROKEN})
# A package that has to be compiled may lack what only production's image has: that proves nothing.
UNBUILT = re.compile(r"Failed to build|build backend returned an error|ELIFECYCLE|lifecycle script", re.IGNORECASE)
# What Postgres says of an extension whose files it does not have. Production's may have them.
NO_EXTENSION = re.compile(r'extension "(?P<name>[^"\n]+)" is not available')


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an exit means. `again`: a second try may tell more. `crash`: the program itself may be at fault.

    `explained`: the first error in the output states the reason, where there is one.
    """

    status: Status
    reason_code: str = ""
    reason: str = ""
    again: bool = False
    crash: bool = False
    explained: bool = False


PASS = Judgement(status=Status.PASSED)


def errored(code: str, reason: str, *, again: bool = False, crash: bool = False, explained: bool = False) -> Judgement:
    """No verdict."""
    return Judgement(
        status=Status.ERRORED, reason_code=str(code), reason=reason, again=again, crash=crash, explained=explained
    )


def skipped(code: str, reason: str) -> Judgement:
    """It was not tried, for want of what is none of the tree's."""
    return Judgement(status=Status.SKIPPED, reason_code=str(code), reason=reason)


def failed(code: str, reason: str, *, explained: bool = True) -> Judgement:
    """The stack's code is broken."""
    return Judgement(status=Status.FAILED, reason_code=str(code), reason=reason, explained=explained)


def unwell(exit: Exit, trouble: tuple[str, str] | None) -> Judgement | None:
    """What the engine knows itself about an exit that means nothing."""
    if exit.trouble:
        return errored(exit.trouble, exit.detail or exit.trouble, explained=exit.trouble == ReasonCode.ACQUIRE)
    if trouble is not None and exit.code != 0:
        return errored(*trouble)
    return None


def judge(command: Command, exit: Exit, trouble: tuple[str, str] | None) -> Judgement:
    """The meaning of how an execute command ended. `trouble` is what the engine answered after a failure."""
    if (sick := unwell(exit, trouble)) is not None:
        return sick
    gone = next((each for each in exit.services if each.ended), None)
    if gone is not None:
        # whatever answered then was not the server that was started
        server = next((each for each in command.services if each.label == gone.name), None)
        return by_service(gone, server)
    if exit.code == 0:
        return PASS
    if exit.timed_out:
        # what was said before the end does not explain it
        reason = f"{command.label} was still running after {command.limit:g} s"
        return failed(ReasonCode.TIMEOUT, reason, explained=False)
    if exit.signal is not None:
        return by_signal(command.label, exit.signal)
    return by_code(command, exit)


def refined(
    command: Command, judgement: Judgement, diagnostics: Sequence[Diagnostic], tests: TestCounts | None
) -> Judgement:
    """A more exact reason code, where what a tool found tells more than its exit code. Never another verdict."""
    first = next((each for each in diagnostics if each.severity is Severity.ERROR), None)
    facts: dict[Fact, bool] = {
        "python_error": first is not None and (first.file or "").endswith(".py"),
        "no_tests": tests is None,
    }
    exact = (exact for code, fact, exact in command.refined if code == judgement.reason_code and facts[fact])
    return replace(judgement, reason_code=next(exact, judgement.reason_code))


def by_code(command: Command, exit: Exit) -> Judgement:
    """An exit code: nothing to do, a verdict, no verdict for a known reason, or one that the row does not know."""
    code = exit.code
    if code in command.empty:
        return PASS
    verdicts, unfit = dict(command.verdicts), dict(command.unfit)
    if code in verdicts:
        return failed(verdicts[code], f"{command.label}: exit code {code}")
    if code in unfit:
        return by_unfit(command, unfit[code], f"{command.label}: exit code {code}")
    missing = {126: "is not executable", 127: "was not found"}.get(code or 0)
    if missing:
        program = command.argv[0] if command.argv else command.label
        return errored(ReasonCode.TOOL_MISSING, f"{program} {missing}: is it among the locked dependencies?")
    if code is not None and code - 128 in SIGNALS:  # how a shell or a package manager passes a signal on
        return by_signal(command.label, code - 128)
    reason = f"{command.label} ended with exit code {code}, which is no verdict"
    return errored(ReasonCode.UNKNOWN_EXIT, reason, again=True, explained=True)


def by_unfit(command: Command, reason_code: str, reason: str) -> Judgement:
    """No verdict, for a reason that the row knows."""
    return errored(reason_code, reason, explained=reason_code in command.explained)


def by_signal(who: str, signal: int) -> Judgement:
    """A signal: the program crashed, or something outside killed it."""
    name = SIGNALS.get(signal, f"signal {signal}")
    if signal in CRASHES:
        return errored(ReasonCode.CRASH, f"{who} crashed with {name}", again=True, crash=True)
    return errored(ReasonCode.KILLED, f"{who} was killed by {name} from outside", again=True)


def by_service(service: ServiceExit, server: Command | None) -> Judgement:
    """A server that ended while it was needed, by itself or by a signal. One without verdicts is not the stack's."""
    if service.signal is not None:
        return by_signal(f"the {service.name}", service.signal)
    reason = f"the {service.name} ended with exit code {service.code} while it was needed"
    unfit = dict(server.unfit) if server else {}
    if server is not None and service.code in unfit:
        return by_unfit(server, unfit[service.code], reason)
    if server is not None and not server.verdicts:
        return errored(ReasonCode.SERVICE_ENDED, reason, again=True)
    return failed(ReasonCode.NOT_READY, reason)


def judge_acquire(command: Command, exit: Exit, trouble: tuple[str, str] | None, *, registry: bool) -> Judgement:
    """The meaning of how an acquire command ended. `registry` tells whether a control request was answered.

    What the stack's own files prove (a stale lock, a broken manifest) stands also where no registry answers.
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
    proof = next((code for code, pattern in PROOFS if pattern.search(text)), None)
    if proof is not None and (registry or proof in LOCAL_PROOFS):
        return failed(proof, f"{command.label}: {proof.replace('_', ' ')}")
    if not registry:
        return errored(ReasonCode.REGISTRY, f"{command.label}: the package registry does not answer")
    if UNBUILT.search(text):
        reason = f"{command.label}: a package could not be built on this machine"
        return errored(ReasonCode.BUILD_FAILED, reason, again=True)
    reason = f"{command.label} ended with exit code {exit.code}"
    return errored(ReasonCode.ACQUIRE, reason, again=True, explained=True)


def judge_extension(exit: Exit) -> Judgement | None:
    """The meaning of a failure for want of an extension of Postgres: none for the code."""
    found = NO_EXTENSION.search(f"{exit.stderr}\n{exit.stdout}")
    if found is None:
        return None
    advice = "set images.postgres to an image that has it; for the embedded engine, install it on this machine"
    return errored(ReasonCode.EXTENSION_ABSENT, f'this run\'s Postgres has no extension "{found["name"]}": {advice}')
