"""What the commands of a check have said so far, and the one line that says why it is red."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tasks.diagnostics import Parsed
from tasks.execution.judgement import Judgement, skipped
from tasks.models import Diagnostic, Severity, Status, TestCounts
from tasks.reason_codes import ReasonCode
from tasks.steps import Command

BASE_UNFIT = frozenset({ReasonCode.EXTENSION_ABSENT, ReasonCode.TOOLCHAIN, ReasonCode.CRASH})
"""Errors that lie in the base, not in the engine or a registry. A command adds its own (`explained`)."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the commands of a check have said so far."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    tests: TestCounts | None = None
    exit_code: int | None = None
    ran: bool = False
    """Whether any command ran now; else an engine remembered all of them."""

    def take(self, parsed: Parsed) -> None:
        """Adds what one command's output holds."""
        self.diagnostics += parsed.diagnostics
        self.summaries += [parsed.summary] if parsed.summary else []
        self.gaps += parsed.gaps
        self.tests = parsed.tests or self.tests


def as_warnings(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings that do not turn a check red. The last line of an unknown tool explains a red one, and no green one."""
    return [
        replace(each, severity=Severity.WARNING) if each.severity is Severity.ERROR else each
        for each in diagnostics
        if each.file or each.tool != "output"
    ]


def reason_of(judgement: Judgement, findings: Findings) -> str:
    """One line: the first error where a tool named one, else how the command ended."""
    first = next((each for each in findings.diagnostics if each.severity is Severity.ERROR), None)
    if first is None or not judgement.explained:
        return judgement.reason
    where = f"{first.location}: " if first.file else ""
    return where + first.message.partition("\n")[0]


def without_base(command: Command, judgement: Judgement, findings: Findings) -> Judgement:
    """What is broken in the base, or does not fit this run, is nothing against the tree: then it was not tried.

    What the base said is forgotten: it is about files that are none of the tree's. Trouble around it stays trouble.
    """
    is_its_own = judgement.status is Status.FAILED or judgement.reason_code in {*BASE_UNFIT, *command.explained}
    if not is_its_own:
        return judgement
    why = reason_of(judgement, findings).rstrip(".")
    reason = f"no upgrade was tried: the deployed commit cannot be used ({why}). Name another one with --base REF"
    findings.diagnostics.clear()
    findings.gaps.append(reason)
    return skipped(ReasonCode.BASE_BROKEN, reason)


def plain(command: Command, judgement: Judgement) -> list[Diagnostic]:
    """The judgement itself as the one diagnostic of a red check that said nothing."""
    if judgement.status is Status.SKIPPED:
        return []
    return [Diagnostic(tool=command.label, message=judgement.reason, rule=judgement.reason_code or None)]
