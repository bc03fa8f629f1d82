"""The heaviest chain is first, the loads of running checks fit the cores, and what is known of checks is kept."""

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.execution.durations import CheckHistory, Spent, read_history, updated, write_history
from tasks.execution.scheduling import UNKNOWN, UNKNOWN_LOAD, Claim, LoadSemaphore, admitted, claims, weights
from tests.support.factories import make_check


def claim(weight: float = 1.0, *, load: float = 1.0, seconds: float = 9.0) -> Claim:
    return Claim(weight=weight, load=load, seconds=seconds)


def loads_started(
    waiting: Sequence[float], running: Sequence[float] = (), *, cores: float = 2, slots: int = 9
) -> list[float]:
    """The loads of the waiting checks that start, the heaviest chain first."""
    listed = [claim(load=load) for load in waiting]
    taken = tuple(claim(load=load) for load in running)
    return [listed[index].load for index in admitted(listed, taken, slots=slots, cores=cores)]


def test_weight_of_a_check_is_the_duration_of_its_longest_chain() -> None:
    build = make_check(id="build")
    migrate = make_check(id="migrate", needs=("build",))
    health = make_check(id="health", needs=("migrate",))
    lint = make_check(id="lint")

    found = weights([build, migrate, health, lint], {"build": 1.0, "migrate": 2.0, "health": 4.0})

    assert found == {"build": 7.0, "migrate": 6.0, "health": 4.0, "lint": UNKNOWN}


def test_a_check_without_history_claims_a_core() -> None:
    found = claims([make_check(id="lint"), make_check(id="tests")], {"tests": 9.0}, {"tests": 1.7})

    assert found["lint"] == Claim(weight=UNKNOWN, seconds=UNKNOWN, load=UNKNOWN_LOAD)
    assert found["tests"] == Claim(weight=9.0, seconds=9.0, load=1.7)


@pytest.mark.parametrize(
    ("waiting", "running", "started"),
    [
        ((1, 1, 1), (), [1, 1]),
        ((0.5, 0.5, 0.5, 0.5, 0.5), (), [0.5] * 4),
        ((0.2, 0.2, 1, 1), (1,), [0.2, 0.2]),
        ((1.8, 1), (), [1.8]),
        ((1.5, 0.6), (), [1.5, 0.6]),
        ((8, 1), (), [8]),
        ((8,), (0.1,), []),
        ((1.9, 0.9), (1,), []),
        ((1.9, 0.2), (1,), [0.2]),
    ],
    ids=[
        "as many as there are cores",
        "checks that wait count little",
        "they start beside a busy one",
        "a tool with several threads counts more",
        "averages may exceed the cores a little",
        "greater than the machine: alone",
        "greater than the machine, and not alone",
        "nothing passes a check that waits for the cores",
        "but what hardly delays it",
    ],
)
def test_checks_start_as_long_as_their_loads_fit(
    waiting: Sequence[float], running: Sequence[float], started: list[float]
) -> None:
    assert loads_started(waiting, running) == started


def test_a_quick_check_passes_one_that_waits_for_the_cores() -> None:
    waiting = (claim(9, load=1.9), claim(1, load=0.9, seconds=0.4))

    assert [*admitted(waiting, (claim(load=1.0),), slots=9, cores=2)] == [1]


def test_jobs_limit_the_number_however_little_the_load() -> None:
    assert loads_started((0.0,) * 5, (0.0,), slots=3) == [0.0, 0.0]


async def test_semaphore_admits_the_heaviest_waiter_within_its_limit() -> None:
    gate, inside, most = LoadSemaphore(2, math.inf), 0, 0
    order: list[float] = []

    async def visit(weight: float) -> None:
        nonlocal inside, most
        async with gate.slot(claim(weight)):
            inside += 1
            most = max(most, inside)
            order.append(weight)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(visit(weight) for weight in (1, 2, 3, 4, 5, 6)))

    assert most == 2
    assert order == [1, 2, 6, 5, 4, 3]


async def test_loads_of_the_checks_inside_never_exceed_the_cores() -> None:
    gate, inside, most = LoadSemaphore(99, 2), 0.0, 0.0

    async def visit(load: float) -> None:
        nonlocal inside, most
        async with gate.slot(claim(load, load=load)):
            inside += load
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= load

    await asyncio.gather(*(visit(load) for load in (0.25, 0.5, 0.75, 1.0, 1.25, 0.5, 0.25, 1.75)))

    assert 1.75 <= most <= 2.25
    assert inside == 0


async def test_cancelled_waiter_occupies_no_slot() -> None:
    gate = LoadSemaphore(1, math.inf)
    async with gate.slot(claim(0)):
        waiting = [asyncio.create_task(gate.slot(claim(weight)).__aenter__()) for weight in (1, 2)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)

    await asyncio.wait_for(waiting[0], 1)


async def test_slot_is_released_if_its_waiter_is_cancelled_on_admission() -> None:
    gate = LoadSemaphore(1, math.inf)
    async with gate.slot(claim(0)):
        late = asyncio.create_task(gate.slot(claim(1)).__aenter__())
        await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)

    async with asyncio.timeout(1), gate.slot(claim(0)):
        pass


def test_history_is_kept_by_stack_and_a_broken_one_is_empty(tmp_path: Path) -> None:
    write_history(tmp_path, tmp_path / "a", {"mypy": 1.5}, {"mypy": 1.2})
    write_history(tmp_path, tmp_path / "a", {"ruff": 0.25}, {})

    assert read_history(tmp_path, tmp_path / "a") == CheckHistory(
        seconds={"mypy": 1.5, "ruff": 0.25}, loads={"mypy": 0.8}
    )
    assert read_history(tmp_path, tmp_path / "b") == CheckHistory()

    for text in ("[1", '{"mypy": []}', '{"mypy": ["x"]}'):
        for file in (tmp_path / "durations").iterdir():
            file.write_text(text)
        assert read_history(tmp_path, tmp_path / "a") == CheckHistory()


def test_history_of_an_earlier_version_has_durations(tmp_path: Path) -> None:
    write_history(tmp_path, tmp_path / "a", {"mypy": 1.0}, {})
    (file,) = (tmp_path / "durations").iterdir()
    file.write_text(json.dumps({"mypy": 1.5}))

    assert read_history(tmp_path, tmp_path / "a") == CheckHistory(seconds={"mypy": 1.5})


def test_load_rises_at_once_and_falls_by_halves() -> None:
    known = CheckHistory(seconds={"tsc": 9.0}, loads={"tsc": 1.0, "old": 0.3})

    busy = updated(known, {"tsc": 10.0}, {"tsc": 4.0})
    idle = updated(known, {"tsc": 10.0}, {"tsc": 15.0})

    assert busy.loads == {"tsc": 0.7, "old": 0.3}
    assert idle.loads == {"tsc": 1.5, "old": 0.3}
    assert updated(known, {"tsc": 0.0}, {"tsc": 1.0}).loads == known.loads


def test_a_busy_machine_gave_a_check_less_than_it_would_use() -> None:
    seconds, cpu = {"mypy": 10.0, "tsc": 10.0, "health": 10.0}, {"mypy": 4.0, "tsc": 12.0, "health": 1.0}

    found = updated(CheckHistory(), seconds, cpu, wanted=3.0)

    assert found.loads == {"mypy": 1.0, "tsc": 1.2, "health": pytest.approx(0.3)}


def test_time_outside_of_the_commands_counts_as_a_core() -> None:
    spent = Spent().plus(0.5, 2.0).plus(1.0, 1.0)

    assert spent == Spent(cpu=1.5, seconds=3.0)
    assert (spent.cpu_of(7.0), spent.cpu_of(2.9)) == (5.5, 1.5)
