"""Folds equal findings of a check into one, with their count and first places. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.models import Diagnostic, Severity
from tasks.report.layout import clean_line

_PLACES = 2  # that are named after the first one
_PHASE = re.compile(r"error at (?P<phase>setup|teardown|call): (?P<cause>.*)", re.DOTALL)
"""The message that the reader of pytest gives to an error outside a test itself."""
COMMAND = re.compile(r"\. Run: [^\n]+$")
"""The end of a message with a command that a reader copies."""
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedFinding:
    """Equal diagnostics of one check. `count` is their number, `diagnostics` has the first one of each place.

    `key` is that of `sameness`.
    """

    diagnostics: tuple[Diagnostic, ...]
    count: int
    key: tuple[str, ...]

    @property
    def diagnostic(self) -> Diagnostic:
        """The first one."""
        return self.diagnostics[0]


def findings(diagnostics: Sequence[Diagnostic]) -> tuple[FoldedFinding, ...]:
    """Errors before warnings, notes only if there is nothing else, equal ones as one."""
    ranked = sorted(diagnostics, key=lambda diagnostic: _SEVERITIES.index(diagnostic.severity))
    if any(diagnostic.severity is not Severity.NOTE for diagnostic in ranked):
        ranked = [diagnostic for diagnostic in ranked if diagnostic.severity is not Severity.NOTE]
    places: dict[tuple[str, ...], dict[str, Diagnostic]] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for diagnostic in ranked:
        key = sameness(diagnostic)
        places.setdefault(key, {}).setdefault(diagnostic.location, diagnostic)
        counts[key] += 1
    return tuple(
        FoldedFinding(diagnostics=tuple(each.values()), count=counts[key], key=key) for key, each in places.items()
    )


def sameness(diagnostic: Diagnostic) -> tuple[str, ...]:
    """The key of equal diagnostics. The rule of pytest is the test: many tests can fail at one place for one cause.

    For an error outside a test itself, the place does not matter either.
    """
    is_outside = _PHASE.match(diagnostic.message) is not None
    rule = diagnostic.rule or ""
    rule = "" if is_outside else diagnostic.location if "::" in rule else rule
    return (diagnostic.tool, diagnostic.severity, rule, _ADDRESS.sub("0x…", diagnostic.message))


def describe(diagnostic: Diagnostic) -> str:
    """Message and rule; the rule not twice, and not behind a command that a reader copies."""
    message, rule = diagnostic.message, diagnostic.rule
    return message if not rule or rule in message or COMMAND.search(message) else f"{message} [{rule}]"


def headline(finding: FoldedFinding) -> str:
    """The message of all: `11 errors at setup, one cause: …` for failures before the tests themselves."""
    match = _PHASE.match(finding.diagnostic.message)
    if match is None or finding.count == 1:
        return describe(finding.diagnostic)
    return f"{finding.count} errors at {match['phase']}, one cause: {match['cause']}"


def repetition(finding: FoldedFinding) -> str:
    """`(12 times, also at line 7, b.py:3 and 9 more places)`; empty for a single finding."""
    count = times(finding)
    others = [_place(each, finding.diagnostic) for each in finding.diagnostics[1:] if each.location]
    left = len(others) - _PLACES
    more = f" and {left} more {'place' if left == 1 else 'places'}" if left > 0 else ""
    also = f"also at {', '.join(others[:_PLACES])}{more}" if others else ""
    text = ", ".join(filter(None, [count, also]))
    return f"({text})" if text else ""


def times(finding: FoldedFinding) -> str:
    """`12 times`; empty for a single finding, and if the headline has the count."""
    is_counted = _PHASE.match(finding.diagnostic.message) is not None
    return "" if finding.count == 1 or is_counted else f"{finding.count} times"


def _place(diagnostic: Diagnostic, first: Diagnostic) -> str:
    """Where it is, seen from the first place."""
    is_same_file = diagnostic.file == first.file and diagnostic.line
    return f"line {diagnostic.line}" if is_same_file else diagnostic.location


def cause_of(message: str) -> str:
    """The message without the phase of a test that it was raised in."""
    match = _PHASE.match(message)
    return match["cause"] if match else message


def says(diagnostic: Diagnostic, reason: str) -> bool:
    """Whether the reason is this finding's own first line, with or without its location."""
    message = clean_line(diagnostic.message.partition("\n")[0])
    return reason in {message, f"{clean_line(diagnostic.location)}: {message}"} or reason in message


def is_said(diagnostic: Diagnostic, reason: str) -> bool:
    """Whether a reason has the whole finding: its message, and its place if it has one."""
    message = clean_line(diagnostic.message).removesuffix("…")
    return message in reason and (diagnostic.file is None or clean_line(diagnostic.location) in reason)
