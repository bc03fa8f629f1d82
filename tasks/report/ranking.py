"""What to mend first: the findings of all red checks, root causes before what follows from them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from tasks.models import CheckReport, Diagnostic, Report, Severity, Stage, Status

_STAGES = list(Stage)
_RED = (Status.FAILED, Status.ERRORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFinding:
    """Equal diagnostics of one check, once. `count` says how many they were."""

    diagnostic: Diagnostic
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One thing to mend, and the titles of all checks that are red for it."""

    location: str
    text: str
    checks: tuple[str, ...] = ()


def red_checks(report: Report) -> tuple[CheckReport, ...]:
    """Failed and errored checks in the order to look at them: by stage, and failed before errored."""
    red = [check for check in report.checks if check.result.status in _RED]
    return tuple(sorted(red, key=lambda check: (_STAGES.index(check.stage), _RED.index(check.result.status))))


def findings(diagnostics: Sequence[Diagnostic]) -> tuple[RankedFinding, ...]:
    """Errors before warnings, notes only where there is nothing else, each fingerprint once."""
    ranked = sorted(diagnostics, key=lambda diagnostic: list(Severity).index(diagnostic.severity))
    if any(diagnostic.severity is not Severity.NOTE for diagnostic in ranked):
        ranked = [diagnostic for diagnostic in ranked if diagnostic.severity is not Severity.NOTE]
    firsts: dict[str, Diagnostic] = {}
    counts: Counter[str] = Counter()
    for diagnostic in ranked:
        firsts.setdefault(diagnostic.fingerprint, diagnostic)
        counts[diagnostic.fingerprint] += 1
    return tuple(RankedFinding(diagnostic=first, count=counts[print_]) for print_, first in firsts.items())


def describe(diagnostic: Diagnostic) -> str:
    """Message and rule, the rule not twice."""
    rule = diagnostic.rule
    return diagnostic.message if not rule or rule in diagnostic.message else f"{diagnostic.message} [{rule}]"


def rank_fixes(report: Report, most: int) -> tuple[tuple[Fix, ...], int]:
    """At most so many fixes, and how many there are beyond: each red check's first finding comes before any's second.

    Checks that name the same line, or have no verdict for the same reason, are one fix.
    """
    checks = red_checks(report)
    fixes: dict[tuple[str, ...], Fix] = {}
    places: dict[tuple[str, ...], list[int]] = {}
    for round_ in zip_longest(*(_fixes(check) for check in checks)):
        for place, found in enumerate(round_):
            if found is not None:
                key, fix = found
                fixes.setdefault(key, fix)
                places.setdefault(key, []).append(place)
    best = sorted(list(fixes)[:most], key=lambda key: min(places[key]))
    titles = {key: tuple(dict.fromkeys(checks[place].title for place in sorted(places[key]))) for key in best}
    return tuple(replace(fixes[key], checks=titles[key]) for key in best), len(fixes) - len(best)


def _fixes(check: CheckReport) -> list[tuple[tuple[str, ...], Fix]]:
    result = check.result
    found = [finding.diagnostic for finding in findings(result.diagnostics)]
    # what turned the check red, where it says so; a warning beside it waits
    found = [diagnostic for diagnostic in found if diagnostic.severity is Severity.ERROR] or found
    if not found or result.status is Status.ERRORED:
        reason = result.reason or result.reason_code or "it says no more than its log"
        shared = result.status is Status.ERRORED
        return [(("reason", result.reason_code, reason, "" if shared else check.id), Fix(location="", text=reason))]
    return [(_cause(diagnostic), Fix(location=diagnostic.location, text=describe(diagnostic))) for diagnostic in found]


def _cause(diagnostic: Diagnostic) -> tuple[str, ...]:
    """What makes two diagnostics one thing to mend: the line, whichever tool tripped over it, else the fingerprint."""
    if diagnostic.file and diagnostic.line:
        return ("line", diagnostic.file, str(diagnostic.line))
    return ("fingerprint", diagnostic.fingerprint)
