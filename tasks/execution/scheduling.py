"""Which check first, where more could run than may: the one that the most work waits for. Pure."""

import heapq
import itertools
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from tasks.steps import Check

UNKNOWN = 2.0
"""Seconds that a check is taken to last that has never run here."""


def weights(checks: Iterable[Check], seconds: Mapping[str, float]) -> dict[str, float]:
    """For each check the seconds of the longest chain that begins with it, from how long checks took last time."""
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


class PrioritySemaphore:
    """Lets so many in at once; of those who wait, the heaviest is next. For one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[float, int, Future[None]]] = []
        self._turn = itertools.count()

    @asynccontextmanager
    async def place(self, weight: float) -> AsyncIterator[None]:
        """A place inside, for as long as the context lasts."""
        await self._enter(weight)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, weight: float) -> None:
        if self._free:
            self._free -= 1
            return
        turn: Future[None] = get_running_loop().create_future()
        heapq.heappush(self._waiting, (-weight, next(self._turn), turn))
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
