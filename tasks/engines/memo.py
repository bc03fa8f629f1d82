"""Asynchronous work that runs once per key, also for several callers at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class AsyncMemo(Generic[K, V]):
    """One task per key. A cancelled caller does not cancel the task; `close` does."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def get(
        self, key: K, make: Callable[[], Coroutine[Any, Any, V]], *, again: Callable[[V], bool] = lambda _: False
    ) -> V:
        """The result for a key. The work is repeated if there is a result for which `again` returns True.

        An exception is raised for all waiting callers. The next call repeats the work.
        """
        task = self._tasks.get(key)
        if task is None or self._broke(task) or (task.done() and again(task.result())):
            task = self._tasks[key] = asyncio.create_task(make())
        return await asyncio.shield(task)

    def result(self, key: K) -> V | None:
        """The result, or None if there is none yet."""
        task = self._tasks.get(key)
        return task.result() if task is not None and task.done() and not self._broke(task) else None

    def forget(self, key: K) -> V | None:
        """The result, if there is one. The next call for this key does the work again."""
        result = self.result(key)
        if result is not None:
            del self._tasks[key]
        return result

    async def close(self) -> None:
        """Cancels all running tasks, and waits for their end."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    @staticmethod
    def _broke(task: asyncio.Task[V]) -> bool:
        return task.done() and (task.cancelled() or task.exception() is not None)
