"""Orders the checks that wait for a free job slot: the check with the longest remaining chain is first. Pure."""

import heapq
import itertools
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from tasks.steps import Check

UNKNOWN = 2.0
"""Assumed seconds of a check without a recorded duration."""


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


class PrioritySemaphore:
    """A semaphore with `slots` slots that admits the waiter with the greatest weight first. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: list[tuple[float, int, Future[None]]] = []
        self._turn = itertools.count()

    @asynccontextmanager
    async def slot(self, weight: float) -> AsyncIterator[None]:
        """Holds one slot for as long as the context lasts."""
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
