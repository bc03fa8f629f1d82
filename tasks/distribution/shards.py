"""Divides a plan into shards. A shard also holds everything that its checks need. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.execution.scheduling import UNKNOWN
from tasks.models import Stage
from tasks.planning.plan import Plan, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The ids of the checks that one worker runs, in the plan's order.

    Only the results of the checks in `owns` count. Other shards may repeat a check because one of theirs needs it.
    """

    checks: tuple[str, ...]
    owns: tuple[str, ...]


def make_shards(plan: Plan, seconds: Mapping[str, float], most: int) -> tuple[Shard, ...]:
    """Returns the division that ends first, with as few shards as that takes and at most `most`.

    All integration checks stay in one shard: they share a database. `seconds` maps check ids to their last duration.
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
    """Returns at most `count` sets of check ids. The longest checks go first, each into the set that it loads least."""
    needs = {check.id: check.needs for check in plan.checks}
    bins = [closed({check.id for check in plan.of(Stage.INTEGRATION)}, needs), *(set[str]() for _ in range(count - 1))]
    for check_id in sorted(needs, key=lambda each: -load(closed({each}, needs), seconds)):
        if not any(check_id in each for each in bins):
            unit = closed({check_id}, needs)
            lightest = min(bins, key=lambda each: load(each | unit, seconds))
            lightest |= unit
    return [each for each in bins if each]


def load(checks: set[str], seconds: Mapping[str, float]) -> float:
    """Returns the sum of the checks' seconds."""
    return sum(seconds.get(check, UNKNOWN) for check in checks)
