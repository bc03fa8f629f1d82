"""A fresh run uses no files and no cached results of an earlier run."""

import asyncio

import pytest

from tasks.exits import Exit
from tasks.steps import CACHE, WORK
from tests.support.benches import Bench

pytestmark = pytest.mark.asyncio

LOOK = f"ls {CACHE} {WORK}; echo left > {CACHE}/memory; cat /proc/sys/kernel/random/uuid"


async def look(bench: Bench, *, fresh: bool) -> Exit:
    """One run of a step that prints the files that it finds, and leaves a file."""
    async with bench.engine(fresh=fresh) as engine:
        exit = await engine.run(bench.step("sh", "-c", LOOK), bench.log)
    assert exit.code == 0, exit
    return exit


async def test_fresh_run_starts_with_empty_tool_caches_and_leaves_none(bench: Bench) -> None:
    await look(bench, fresh=False)
    fresh = [await look(bench, fresh=True) for _ in range(2)]

    assert [("memory" in exit.stdout, exit.reused) for exit in fresh] == [(False, False)] * 2
    assert fresh[0].stdout != fresh[1].stdout
    for _ in range(3000):  # a process of low priority deletes them
        if not [*(bench.data / "runs").glob("*")]:
            break
        await asyncio.sleep(0.01)
    assert not [*(bench.data / "runs").glob("*")]


async def test_ordinary_run_finds_the_files_of_an_earlier_one(bench: Bench) -> None:
    """Without this, the test above would prove nothing."""
    first = await look(bench, fresh=False)
    second = await look(bench, fresh=False)

    assert "memory" in second.stdout or (second.reused and second.stdout == first.stdout)
