"""Work that is done once, however many ask for it at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class AsyncMemo(Generic[K, V]):
    """One task per key. Who asks may be cancelled; the work goes on for the others until `close`."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def get(
        self, key: K, make: Callable[[], Coroutine[Any, Any, V]], *, again: Callable[[V], bool] = lambda _: False
    ) -> V:
        """The result for a key; one that is there already and `again` says so of is made anew.

        An exception is raised to all who wait, and not remembered.
        """
        task = self._tasks.get(key)
        if task is None or self._broke(task) or (task.done() and again(task.result())):
            task = self._tasks[key] = asyncio.create_task(make())
        return await asyncio.shield(task)

    def result(self, key: K) -> V | None:
        """The result, if there is one already."""
        task = self._tasks.get(key)
        return task.result() if task is not None and task.done() and not self._broke(task) else None

    async def close(self) -> None:
        """Cancels what still runs, and waits for its end."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    @staticmethod
    def _broke(task: asyncio.Task[V]) -> bool:
        return task.done() and (task.cancelled() or task.exception() is not None)
