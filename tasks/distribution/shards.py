"""Divides a plan into shards: whatever a check needs is in its shard, too. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.execution.scheduling import UNKNOWN
from tasks.models import Stage
from tasks.planning.plan import Plan, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What one worker runs, in the plan's order. Only the results of what it `owns` count: others may run it as well,
    for something that needs it there."""

    checks: tuple[str, ...]
    owns: tuple[str, ...]


def make_shards(plan: Plan, seconds: Mapping[str, float], most: int) -> tuple[Shard, ...]:
    """The division that ends first, in as few shards as that takes and never more than `most`.

    What belongs to integration stays together: it shares a database. `seconds` is how long checks took last time.
    """
    divisions = (divide(plan, seconds, count) for count in range(1, max(most, 1) + 1))
    best = min(divisions, key=lambda bins: round(max(load(each, seconds) for each in bins), 3))
    taken: set[str] = set()
    shards = []
    for ids in best:
        checks = tuple(check.id for check in plan.checks if check.id in ids)
        shards.append(Shard(checks=checks, owns=tuple(check for check in checks if check not in taken)))
        taken |= ids
    return tuple(shards)


def divide(plan: Plan, seconds: Mapping[str, float], count: int) -> list[set[str]]:
    """At most so many sets of checks. The heaviest goes first, each to where it makes the longest wait the shortest."""
    needs = {check.id: check.needs for check in plan.checks}
    bins = [closed({check.id for check in plan.of(Stage.INTEGRATION)}, needs), *(set[str]() for _ in range(count - 1))]
    for check_id in sorted(needs, key=lambda each: -load(closed({each}, needs), seconds)):
        if not any(check_id in each for each in bins):
            unit = closed({check_id}, needs)
            lightest = min(bins, key=lambda each: load(each | unit, seconds))
            lightest |= unit
    return [each for each in bins if each]


def load(checks: set[str], seconds: Mapping[str, float]) -> float:
    """Seconds of all of them, one after the other."""
    return sum(seconds.get(check, UNKNOWN) for check in checks)
