"""Decides which waiting checks start: that with the longest remaining chain first, while the cores have room."""

import itertools
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tasks.steps import Check

UNKNOWN = 2.0
"""Assumed seconds of a check without a recorded duration."""
UNKNOWN_LOAD = 1.0
"""Assumed load of a check without a recorded one: a core."""
ROOM = 0.25
"""Cores by which the sum of loads may exceed the machine's: loads are averages."""
QUICK = 1.0
"""Seconds. A check that ends so soon delays no other one that waits for a core."""
MOST = 4
"""How many checks run at once for each core, however little load they have: each needs memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What decides on the start of a check: the seconds of its longest chain, its own, and the cores that it uses."""

    weight: float
    seconds: float = UNKNOWN
    load: float = UNKNOWN_LOAD

    @property
    def is_light(self) -> bool:
        """Whether it hardly delays a heavier one that waits for the cores, and so may start before it."""
        return self.seconds <= QUICK or self.load <= ROOM


def weights(checks: Iterable[Check], seconds: Mapping[str, float]) -> dict[str, float]:
    """Returns by check id the seconds of the longest chain that begins with the check, from recorded `seconds`."""
    listed = tuple(checks)
    followers: dict[str, list[str]] = {check.id: [] for check in listed}
    for check in listed:
        for need in check.needs:
            followers[need].append(check.id)
    known: dict[str, float] = {}

    def weigh(check_id: str) -> float:
        if check_id not in known:
            rest = max(map(weigh, followers[check_id]), default=0.0)
            known[check_id] = seconds.get(check_id, UNKNOWN) + rest
        return known[check_id]

    return {check.id: weigh(check.id) for check in listed}


def claims(checks: Sequence[Check], seconds: Mapping[str, float], loads: Mapping[str, float]) -> dict[str, Claim]:
    """Returns the claim of each check by its id, from the durations and loads of earlier runs."""
    chains = weights(checks, seconds)
    return {
        check.id: Claim(
            weight=chains[check.id],
            seconds=seconds.get(check.id, UNKNOWN),
            load=loads.get(check.id, UNKNOWN_LOAD),
        )
        for check in checks
    }


def admitted(waiting: Sequence[Claim], running: Sequence[Claim], *, slots: int, cores: float) -> Iterator[int]:
    """Returns the indices of the waiting checks that start now. `waiting` is in the order of their weights.

    A check whose load is greater than the machine starts when nothing else runs. While a check waits for the cores,
    only light ones start before it. Pure.
    """
    free, left, is_blocked = cores + ROOM - sum(each.load for each in running), slots - len(running), False
    is_idle = not running
    for index, claim in enumerate(waiting):
        if left <= 0:
            return
        if (claim.load > free and not is_idle) or (is_blocked and not claim.is_light):
            is_blocked = True
            continue
        free, left, is_idle = free - claim.load, left - 1, False
        yield index


class LoadSemaphore:
    """Admits checks as `admitted` says: at most `slots` at once, whose loads fit `cores`. For one event loop."""

    def __init__(self, slots: int, cores: float) -> None:
        self._slots, self._cores = slots, cores
        self._running: dict[int, Claim] = {}
        self._waiting: dict[int, tuple[Claim, Future[None]]] = {}
        self._turn = itertools.count()

    @asynccontextmanager
    async def slot(self, claim: Claim) -> AsyncIterator[None]:
        """Holds the place of one check for as long as the context lasts."""
        number, turn = next(self._turn), get_running_loop().create_future()
        self._waiting[number] = (claim, turn)
        self._admit()
        try:
            await turn
            yield
        finally:
            self._waiting.pop(number, None)
            self._running.pop(number, None)
            self._admit()

    def _admit(self) -> None:
        order = sorted(self._waiting, key=lambda number: (-self._waiting[number][0].weight, number))
        listed, running = [self._waiting[number][0] for number in order], tuple(self._running.values())
        for index in admitted(listed, running, slots=self._slots, cores=self._cores):
            claim, turn = self._waiting.pop(order[index])
            self._running[order[index]] = claim
            if not turn.done():  # its waiter was cancelled, and leaves in a moment
                turn.set_result(None)
