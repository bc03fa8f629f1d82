"""A run that is fresh: nothing that an earlier one left is used, and nothing that the engine remembers is believed."""

import pytest

from tasks.exits import Exit
from tasks.steps import CACHE, WORK
from tests.support.benches import Bench

pytestmark = pytest.mark.asyncio

LOOK = f"ls {CACHE} {WORK}; echo left > {CACHE}/memory; cat /proc/sys/kernel/random/uuid"


async def look(bench: Bench, *, fresh: bool) -> Exit:
    """One run of a step that says what it finds, and leaves something."""
    async with bench.engine(fresh=fresh) as engine:
        exit = await engine.run(bench.step("sh", "-c", LOOK), bench.log)
    assert exit.code == 0, exit
    return exit


async def test_tools_caches_begin_empty_and_leave_nothing(bench: Bench) -> None:
    await look(bench, fresh=False)
    fresh = [await look(bench, fresh=True) for _ in range(2)]

    assert [("memory" in exit.stdout, exit.reused) for exit in fresh] == [(False, False)] * 2
    assert fresh[0].stdout != fresh[1].stdout
    assert not [*(bench.data / "runs").glob("*")]


async def test_another_run_finds_what_was_left(bench: Bench) -> None:
    """Else the test above would prove nothing."""
    first = await look(bench, fresh=False)
    second = await look(bench, fresh=False)

    assert "memory" in second.stdout or (second.reused and second.stdout == first.stdout)
