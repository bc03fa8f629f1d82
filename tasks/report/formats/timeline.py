"""The timeline of a run: when each check ran, what it waited for, and the chain that took longest. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.models import CheckReport, Report

_NOTICEABLE = 0.05
"""Seconds. A shorter wait is no wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A check that ran. `start` and `length` are parts of the whole, in percent; `begun` is in seconds.

    `after` is the title of the check that it waited for last, `queued` the seconds that it then waited for its turn.
    """

    check: CheckReport
    start: float
    length: float
    begun: float
    after: str = ""
    queued: float = 0.0
    is_critical: bool = False


def timeline(report: Report) -> tuple[Bar, ...]:
    """The checks that ran, in the order of their starts."""
    ran = {check.id: check for check in report.checks if check.result.duration and not check.result.cached}
    whole = max((end_of(check) for check in ran.values()), default=0.0) or 1.0
    critical = critical_chain(ran)
    bars = []
    for check in sorted(ran.values(), key=lambda each: each.result.started):
        last = last_need(check, ran)
        waited = check.result.started - (end_of(last) if last else 0.0)
        bar = Bar(
            check=check,
            start=round(100 * check.result.started / whole, 2),
            length=round(100 * check.result.duration / whole, 2),
            begun=check.result.started,
            after=last.title if last else "",
            queued=waited if waited > _NOTICEABLE else 0.0,
            is_critical=check.id in critical,
        )
        bars.append(bar)
    return tuple(bars)


def critical_chain(ran: Mapping[str, CheckReport]) -> tuple[str, ...]:
    """The ids of the check that ended last, and of those that it waited for, the first one at the beginning."""
    chain: list[str] = []
    check = max(ran.values(), key=end_of, default=None)
    while check is not None and check.id not in chain:
        chain.insert(0, check.id)
        check = last_need(check, ran)
    return tuple(chain)


def last_need(check: CheckReport, ran: Mapping[str, CheckReport]) -> CheckReport | None:
    """The check that ended last among those that another one needs and has waited for: some run meanwhile."""
    begun = check.result.started + _NOTICEABLE
    needed = (ran[need] for need in check.needs if need in ran)
    return max((each for each in needed if end_of(each) <= begun), key=end_of, default=None)


def end_of(check: CheckReport) -> float:
    """When a check ended, in seconds since the run began."""
    return check.result.started + check.result.duration
