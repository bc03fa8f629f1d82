"""Work in a thread: when its waiter is cancelled, the work has ended before the cancellation is raised."""

import asyncio
import threading
from pathlib import Path

import pytest

from tasks.engines.threads import in_thread


async def test_returns_the_result_of_the_work() -> None:
    assert await in_thread(max, 1, 2) == 2


async def test_raises_the_error_of_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await in_thread((tmp_path / "gone").read_text)


async def test_cancelled_work_has_ended_before_the_cancellation_is_raised(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(10)
        (tmp_path / "written").touch()

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    asyncio.get_running_loop().call_later(0.05, go.set)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (tmp_path / "written").exists()


async def test_error_of_cancelled_work_is_replaced_by_the_cancellation() -> None:
    begun = threading.Event()

    def work() -> None:
        begun.set()
        raise OSError

    task = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
