"""Ranks what to fix first: the causes of all red checks, those that block most checks first. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tasks.models import CheckReport, Diagnostic, Report, Severity, Stage, Status
from tasks.report.facts import counted, named, tally
from tasks.report.findings.missing_migration import RULE as MISSING_MIGRATION
from tasks.report.findings.missing_migration import changed_names, lacking_name
from tasks.report.folding import FoldedFinding, cause_of, findings, headline, times

LISTED = 20
"""The causes that reports list."""
_TITLES = 3
_STAGES = {stage: place for place, stage in enumerate(Stage)}
_RED = (Status.FAILED, Status.ERRORED)
_RAISED = re.compile(r"(?:[\w.]+\.)?(?P<type>\w+(?:Error|Exception|Warning)|ImproperlyConfigured): (?P<text>.+)")
_TYPE = re.compile(r"\w+(?:Error|Exception|Warning)|ImproperlyConfigured")
_LEAVES = re.compile(
    r"multiple leaf nodes in the migration graph: \((?P<nodes>[\w, ]+) in (?P<app>\w+)"
    r"|two leaf migrations in (?P<of>\w+): (?P<migrations>[\w, ]+)"
)
_OF_ONE_TEST = frozenset({"AssertionError"})
Key: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One cause to fix, the titles of its red checks, and the number of checks skipped because of these.

    `is_advice`: the text has the way out of a missing verdict, so it is never cut off. `ids` are those of the checks.
    `members` are its findings: the id of a check and a key of `sameness`.
    """

    location: str
    text: str
    is_advice: bool = False
    checks: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    waiting: int = 0
    errors: int = 0
    members: frozenset[tuple[str, Key]] = frozenset()


def affected(fix: Fix) -> str:
    """`Django container, mypy; 5 skipped`: the checks that a fix affects."""
    titles = named(fix.checks, _TITLES)
    return f"{titles}; {fix.waiting} skipped" if fix.waiting else titles


@dataclass(slots=True, kw_only=True)
class _Cause:
    """A fix while it is collected. `rounds` has places of red checks, with the rank of the cause in their findings.

    `changed` are the tables and columns that a missing migration would change.
    """

    fix: Fix
    rounds: dict[int, int] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    errors: int = 0
    members: set[tuple[str, Key]] = field(default_factory=set)

    def take(self, errors: int, members: Iterable[tuple[str, Key]]) -> None:
        """Adds errors that have this cause."""
        self.errors += errors
        self.members.update(members)


def red_checks(report: Report) -> tuple[CheckReport, ...]:
    """Failed and errored checks in the order to look at them: by stage, and failed before errored."""
    red = [check for check in report.checks if check.result.status in _RED]
    return tuple(sorted(red, key=lambda check: (_STAGES[check.stage], _RED.index(check.result.status))))


def rank_fixes(report: Report, most: int = LISTED) -> tuple[tuple[Fix, ...], int]:
    """Returns at most `most` fixes, and the number of further ones.

    The first findings of all red checks come before any second one. Among them, the cause that affects most checks
    comes first: the checks that it turns red, and those that were skipped because of these.
    """
    ranked = _ranked(report)
    best = ranked[:most]
    ordered = sorted(best, key=lambda each: (each[1], each[2], each[0]))
    return tuple(each[3] for each in ordered), len(ranked) - len(best)


def causes_of(report: Report) -> tuple[Fix, ...]:
    """Returns every cause of the red checks, in the order to look at them."""
    return tuple(each[3] for each in _ranked(report))


def numbers(report: Report) -> str:
    """`9 checks: 2 failed. 38 errors, 1 cause.`: the checks that did not pass, and what the failed ones found."""
    causes = [cause for cause in causes_of(report) if cause.errors and not cause.is_advice]
    errors = sum(cause.errors for cause in causes)
    count = f"{errors} errors, {counted(len(causes), 'cause')}." if errors > 1 else ""
    return " ".join(filter(None, [tally(report), count]))


def _ranked(report: Report) -> list[tuple[int, int, int, Fix]]:
    checks, hanging = red_checks(report), waiting_for(report)
    ranked: list[tuple[int, int, int, Fix]] = []
    for cause in _causes(checks):
        places = sorted(cause.rounds)
        waiting = set[str]().union(*(hanging[checks[place].id] for place in places))
        fix = replace(
            cause.fix,
            checks=tuple(dict.fromkeys(checks[place].title for place in places)),
            ids=tuple(checks[place].id for place in places),
            waiting=len(waiting),
            errors=cause.errors,
            members=frozenset(cause.members),
        )
        ranked.append((min(cause.rounds.values()), -len(places) - len(waiting), places[0], fix))
    return sorted(ranked, key=lambda each: each[:3])


def waiting_for(report: Report) -> Mapping[str, set[str]]:
    """For each red check the ids of those that were skipped because of it, directly or through another skipped one."""
    checks = {check.id: check for check in report.checks}
    found: dict[str, set[str]] = {check.id: set() for check in red_checks(report)}
    for check in report.checks:
        if check.result.status is Status.SKIPPED and check.result.reason_code == "needs":
            for cause in _reds(check, checks):
                found[cause].add(check.id)
    return found


def _reds(skipped: CheckReport, checks: Mapping[str, CheckReport]) -> set[str]:
    """The red checks that a skipped one waited for."""
    red: set[str] = set()
    seen: set[str] = set()
    left = [skipped]
    while left:
        check = left.pop()
        for need in {*check.needs, check.result.blocked_by} & checks.keys() - seen:
            seen.add(need)
            status = checks[need].result.status
            red |= {need} if status in _RED else set()
            left += [checks[need]] if status is Status.SKIPPED else []
    return red


def _causes(checks: tuple[CheckReport, ...]) -> list[_Cause]:
    """Each cause once, even if several tools and checks have found it."""
    causes: list[_Cause] = []
    known: dict[Key, int] = {}
    for place, check in enumerate(checks):
        for rank, (keys, fix) in enumerate(_fixes(check)):
            number = min((known[key] for key in keys if key in known), default=len(causes))
            if number == len(causes):
                causes.append(_Cause(fix=fix))
            cause = causes[number]
            for key in keys:
                known[key] = min(number, known.get(key, number))
            cause.rounds.setdefault(place, rank)
            cause.changed |= changed_names(fix.text)
            cause.take(fix.errors, fix.members)
    return _without_consequences(causes)


def _without_consequences(causes: list[_Cause]) -> list[_Cause]:
    """The causes without database errors that a missing migration explains. It gets their checks."""
    left: list[_Cause] = []
    origins = [each for each in causes if each.changed]
    for cause in causes:
        name = lacking_name(cause.fix.text)
        origin = next((each for each in origins if each is not cause and name in each.changed), None)
        if origin is None:
            left.append(cause)
            continue
        for place, rank in cause.rounds.items():
            origin.rounds[place] = min(rank, origin.rounds.get(place, rank))
        origin.take(cause.errors, cause.members)
    return left


def _fixes(check: CheckReport) -> Iterator[tuple[set[Key], Fix]]:
    """What to fix for one check, with what identifies each cause."""
    result = check.result
    found = findings(result.diagnostics)
    # if a red check has errors, its warnings are not the cause
    found = tuple(each for each in found if each.diagnostic.severity is Severity.ERROR) or found
    errors = [each.count if each.diagnostic.severity is Severity.ERROR else 0 for each in found]
    members = [(check.id, each.key) for each in found]
    if not found or result.status is Status.ERRORED:
        reason = result.reason or result.reason_code or "only its log has the reason"
        is_errored = result.status is Status.ERRORED
        shared = "" if is_errored else check.id
        fix = Fix(location="", text=reason, is_advice=is_errored, errors=sum(errors), members=frozenset(members))
        yield {("reason", result.reason_code, reason, shared)}, fix
        return
    for finding, number, member in zip(found, errors, members, strict=True):
        head = headline(finding).strip("\n").split("\n")[0]
        text = f"{head} ({count})" if (count := times(finding)) else head
        location = finding.diagnostic.location
        yield _keys(finding), Fix(location=location, text=text, errors=number, members=frozenset({member}))


def _keys(finding: FoldedFinding) -> set[Key]:
    """The key of a cause: the line, for any tool; or the exception; or the finding itself."""
    diagnostic = finding.diagnostic
    if diagnostic.rule == MISSING_MIGRATION and diagnostic.file:  # one command makes the migrations of an app
        return {(MISSING_MIGRATION, diagnostic.file)}
    if leaves := _LEAVES.search(diagnostic.message):  # tests fail by the same conflict as migrations
        names = sorted((leaves["nodes"] or leaves["migrations"]).split(", "))
        return {("leaves", leaves["app"] or leaves["of"], *names)}
    is_one_line = len(finding.diagnostics) == 1 and diagnostic.file and diagnostic.line
    place: Key = ("line", str(diagnostic.file), str(diagnostic.line)) if is_one_line else finding.key
    raised = _exception(diagnostic)
    return {place, ("raised", *raised)} if raised else {place}


def _exception(diagnostic: Diagnostic) -> tuple[str, str] | None:
    """Type and text of a Python exception. An assertion has none: two tests with the same assertion share no cause."""
    text = cause_of(diagnostic.message).partition("\n")[0].strip()
    if match := _RAISED.fullmatch(text):
        raised = (match["type"], match["text"])
    elif diagnostic.rule and _TYPE.fullmatch(diagnostic.rule):
        raised = (diagnostic.rule, text)
    else:
        return None
    return None if raised[0] in _OF_ONE_TEST else raised


def repeated(report: Report) -> Mapping[str, CheckReport]:
    """Returns by id the red checks with the reason and findings of an earlier check, and that check."""
    first: dict[tuple[object, ...], CheckReport] = {}
    found: dict[str, CheckReport] = {}
    for check in report.checks:
        result = check.result
        if result.status not in _RED:
            continue
        # the reason of a missing verdict is whole; a failure is the same only with the same findings
        is_whole = result.status is Status.ERRORED and bool(result.reason)
        said = () if is_whole else tuple((each.location, each.message) for each in result.diagnostics)
        key = (result.status, result.reason_code, result.reason, said)
        if not result.reason and not said:
            continue
        if key in first:
            found[check.id] = first[key]
        first.setdefault(key, check)
    return found
