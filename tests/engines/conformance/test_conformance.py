"""The contract of every engine about runs: all processes of a run end with it, and runs are isolated."""

import asyncio
import os

import pytest

from tasks.engines.protocol import Engine
from tasks.exits import Exit
from tasks.steps import CACHE, OUT
from tests.support.benches import Bench, engines, unreachable

BEATING = f"(while echo; do sleep 0.05; done) >{CACHE}/beats & wait"
SILENT = f'before=$(wc -c <{CACHE}/beats); sleep 0.4; test -n "$before" -a $before = $(wc -c <{CACHE}/beats)'
SOON = 10.0


def test_both_engines_are_tested() -> None:
    if reason := unreachable():
        pytest.skip(f"the conformance suite runs on the embedded engine only: {reason}")
    assert engines() == ["local", "dagger"]


async def until_it_beats(bench: Bench, engine: Engine) -> None:
    for _ in range(100):
        if (await ask(bench, engine, f"test -s {CACHE}/beats")).code == 0:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the step never began")


async def ask(bench: Bench, engine: Engine, script: str) -> Exit:
    return await engine.run(bench.step("sh", "-c", script, volatile=True), bench.log)


async def has_ended(bench: Bench, engine: Engine) -> bool:
    """Waits a short time: a container that was asked to end may need a moment."""
    for _ in range(5):
        if (await ask(bench, engine, SILENT)).code == 0:
            return True
    return False


async def test_cancelled_step_ends_soon_and_the_engine_remains_usable(bench: Bench) -> None:
    async with asyncio.timeout(60):
        async with bench.engine("cancelled") as engine:
            task = asyncio.create_task(ask(bench, engine, BEATING))
            await until_it_beats(bench, engine)
            task.cancel()
            async with asyncio.timeout(SOON):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await has_ended(bench, engine)
            assert await engine.trouble() is None


async def test_exception_in_the_block_ends_running_steps(bench: Bench) -> None:
    tasks: list[asyncio.Task[Exit]] = []

    async def fail() -> None:
        async with bench.engine("broken") as engine:
            tasks.append(asyncio.create_task(ask(bench, engine, BEATING)))
            await until_it_beats(bench, engine)
            raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        await fail()
    done, _ = await asyncio.wait(tasks, timeout=SOON)
    async with bench.engine() as engine:
        silent = await has_ended(bench, engine)

    assert done
    assert tasks[0].cancelled() or tasks[0].exception() is not None or tasks[0].result().code != 0
    assert silent


async def test_two_engines_at_once_on_one_stack_are_isolated(bench: Bench) -> None:
    script = f"echo $0 >mine; echo $0 >{OUT}/mine; sleep 0.5; cat mine {OUT}/mine"
    async with bench.engine("a") as one, bench.engine("b") as two:
        exits = await asyncio.gather(
            one.run(bench.step("sh", "-c", script, "one", volatile=True), bench.log),
            two.run(bench.step("sh", "-c", script, "two", volatile=True), bench.log.with_name("two.log")),
        )

    assert [exit.stdout.split() for exit in exits] == [["one"] * 2, ["two"] * 2]


async def test_later_run_finds_only_tool_caches_and_edited_files(bench: Bench) -> None:
    seen = []
    for text in ("one", "two"):
        (bench.root / "hello.txt").write_text(text)
        os.utime(bench.root / "hello.txt", (1_700_000_000, 1_700_000_000))
        async with bench.engine() as engine:
            seen.append(await ask(bench, engine, f"cat hello.txt; echo; ls {CACHE} {OUT} .; touch {CACHE}/a {OUT}/b c"))

    before, after = ([line for line in exit.stdout.split() if not line.endswith(":")] for exit in seen)
    assert before == ["one", "hello.txt"]
    assert sorted(after) == ["a", "hello.txt", "two"]
