"""Collects what the commands of a check report, and derives the one-line reason of its result."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tasks.diagnostics import Parsed
from tasks.execution.causes.other_python import RunningPython
from tasks.execution.judgement import Judgement, skipped
from tasks.models import Diagnostic, Result, Severity, Status, TestCounts
from tasks.reason_codes import ReasonCode
from tasks.stack import Stack
from tasks.steps import Command

ABSENT_BINARY = "absent_binary"
_OPEN = (":", ",", ";", "(", "[", "{")
OWN = "predeploy"
"""The tool of a diagnostic that no other tool reports."""
BASE_UNFIT = frozenset(
    {
        ReasonCode.EXTENSION_ABSENT,
        ReasonCode.TOOLCHAIN,
        ReasonCode.CRASH,
        ReasonCode.OTHER_PYTHON,
        ReasonCode.SYSTEM_PACKAGE,
        ReasonCode.NETWORK,
    }
)
"""Errors whose cause is in the base, not in the engine or a registry. A command adds its own (`explained`)."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the commands of a check have reported so far."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    tests: TestCounts | None = None
    exit_code: int | None = None
    pythons: list[RunningPython] = field(default_factory=list)
    ran: bool = False
    """Whether any command ran in this run; otherwise all exits came from the engine's cache."""

    def take(self, parsed: Parsed) -> None:
        """Adds the findings in one command's output."""
        self.diagnostics += parsed.diagnostics
        self.summaries += [parsed.summary] if parsed.summary else []
        self.gaps += parsed.gaps
        self.tests = parsed.tests or self.tests

    def add_hint(self, rule: str, hint: str) -> None:
        """Adds a sentence to the findings of a rule."""
        self.diagnostics = [
            replace(each, message=f"{each.message}. {hint}") if each.rule == rule else each for each in self.diagnostics
        ]

    def name_lock(self, lock: str) -> None:
        """Names the lock that lacks a native package. The tool that misses the package does not know its lock."""
        self.diagnostics = [
            replace(each, file=lock) if lock and each.rule == ABSENT_BINARY and not each.file else each
            for each in self.diagnostics
        ]


def lock_of(stack: Stack, path: str) -> str:
    """Returns the lock of a component's Node packages, or an empty text."""
    nodes = (each.node for each in stack.components if each.path == path)
    return next((node.lock for node in nodes if node is not None and node.lock), "")


def as_warnings(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Returns the findings of a passed check as warnings. Drops lines of raw output, which explain only a failure."""
    return [
        replace(each, severity=Severity.WARNING) if each.severity is Severity.ERROR else each
        for each in diagnostics
        if each.file or each.tool != "output"
    ]


def reason_of(judgement: Judgement, findings: Findings) -> str:
    """Returns one line: the first error if it explains the judgement, otherwise how the command ended."""
    first = next((each for each in findings.diagnostics if each.severity is Severity.ERROR), None)
    if first is None or not judgement.explained:
        return judgement.reason
    where = f"{first.location}: " if first.file else ""
    return where + first.message.partition("\n")[0]


def complete(result: Result) -> Result:
    """Returns a red result with a reason and a diagnostic, also if neither a command nor the engine gave one.

    A reason that ends in the middle says so: the output was cut off there, or the rest stands on its next line.
    """
    if result.status not in {Status.FAILED, Status.ERRORED}:
        return result
    reason = " ".join(result.reason.split())
    reason = reason or f"no reason was given ({result.reason_code or result.status}): see the log"
    reason = f"{reason} …" if reason.endswith(_OPEN) else reason
    own = Diagnostic(tool=OWN, message=reason, rule=result.reason_code or None)
    return replace(result, reason=reason, diagnostics=result.diagnostics or (own,))


def without_base(command: Command, judgement: Judgement, findings: Findings) -> Judgement:
    """Turns a failure in the base into a skipped check: it says nothing about the tree.

    Drops the base's diagnostics, because they concern files outside the tree. Keeps errors of the engine or a registry.
    """
    is_its_own = judgement.status is Status.FAILED or judgement.reason_code in {*BASE_UNFIT, *command.explained}
    if not is_its_own:
        return judgement
    cause = reason_of(judgement, findings).rstrip(".")
    reason = f"no upgrade was tried: the base cannot be used ({cause}). Name another base: --base REF"
    findings.diagnostics.clear()
    findings.gaps.append(reason)
    return skipped(ReasonCode.BASE_BROKEN, reason)


def plain(command: Command, judgement: Judgement) -> list[Diagnostic]:
    """Returns the judgement as the only diagnostic of a red check without output."""
    if judgement.status is Status.SKIPPED:
        return []
    return [Diagnostic(tool=command.label, message=judgement.reason, rule=judgement.reason_code or None)]


def explained(result: Result, diagnostics: Iterable[Diagnostic]) -> Result:
    """Returns a result with longer messages, in its diagnostics and its reason. Their order is that of the old ones."""
    found, reason = tuple(diagnostics), result.reason
    for before, after in zip(result.diagnostics, found, strict=True):
        if before.message:
            reason = reason.replace(before.message, after.message)
    return replace(result, diagnostics=found, reason=reason)
