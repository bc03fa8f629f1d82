"""The heaviest chain is first, never more checks run than there are slots, and durations are kept by stack."""

import asyncio
from pathlib import Path

from tasks.execution.durations import read_durations, write_durations
from tasks.execution.scheduling import UNKNOWN, PrioritySemaphore, weights
from tests.support.factories import make_check


def test_weight_of_a_check_is_the_duration_of_its_longest_chain() -> None:
    build = make_check(id="build")
    migrate = make_check(id="migrate", needs=("build",))
    health = make_check(id="health", needs=("migrate",))
    lint = make_check(id="lint")

    found = weights([build, migrate, health, lint], {"build": 1.0, "migrate": 2.0, "health": 4.0})

    assert found == {"build": 7.0, "migrate": 6.0, "health": 4.0, "lint": UNKNOWN}


async def test_semaphore_admits_the_heaviest_waiter_within_its_limit() -> None:
    gate, inside, most = PrioritySemaphore(2), 0, 0
    order: list[float] = []

    async def visit(weight: float) -> None:
        nonlocal inside, most
        async with gate.slot(weight):
            inside += 1
            most = max(most, inside)
            order.append(weight)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(visit(weight) for weight in (1, 2, 3, 4, 5, 6)))

    assert most == 2
    assert order == [1, 2, 6, 5, 4, 3]


async def test_cancelled_waiter_occupies_no_slot() -> None:
    gate = PrioritySemaphore(1)
    async with gate.slot(0):
        waiting = [asyncio.create_task(gate.slot(weight).__aenter__()) for weight in (1, 2)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)

    await asyncio.wait_for(waiting[0], 1)


async def test_slot_is_released_if_its_waiter_is_cancelled_on_admission() -> None:
    gate = PrioritySemaphore(1)
    async with gate.slot(0):
        late = asyncio.create_task(gate.slot(1).__aenter__())
        await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)

    async with asyncio.timeout(1), gate.slot(0):
        pass


def test_durations_are_kept_by_stack_and_a_broken_history_is_empty(tmp_path: Path) -> None:
    write_durations(tmp_path, tmp_path / "a", {"mypy": 1.5})
    write_durations(tmp_path, tmp_path / "a", {"ruff": 0.25})

    assert read_durations(tmp_path, tmp_path / "a") == {"mypy": 1.5, "ruff": 0.25}
    assert read_durations(tmp_path, tmp_path / "b") == {}

    for file in (tmp_path / "durations").iterdir():
        file.write_text("[1")
    assert read_durations(tmp_path, tmp_path / "a") == {}
