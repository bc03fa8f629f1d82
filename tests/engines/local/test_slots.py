"""Slots with the same packages of Node use the same workspaces, one after the other, in one run and on two stacks."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.local.engine import LocalEngine
from tasks.secrets import Secrets
from tasks.steps import Environment
from tests.support.benches import Bench

pytestmark = [pytest.mark.real, pytest.mark.network]

MAIN = "app/main.js"
HELLO = "   hello you\n"


@pytest.fixture
def stacks(locked: Bench, tmp_path: Path) -> tuple[Bench, Bench]:
    """Two stacks with the same packages. The slot, and the name of the packages, are of this test alone."""
    first, second = (replace(locked, root=tmp_path / name, slot=tmp_path.name) for name in ("first", "second"))
    for each in (first, second):
        shutil.copytree(locked.root, each.root)
    return first, second


def exists(path: str) -> bool:
    return Path(path).exists()


def opened(bench: Bench) -> LocalEngine:
    return LocalEngine(bench.engine_context())


async def test_second_stack_copies_no_packages_and_sees_no_file_of_the_first(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    first, second = stacks
    (first.root / "app/only.js").write_text("console.log('first')")
    packages = node_packages(first)
    step = first.step("sh", "-c", "echo > made.js; node main.js", cwd="app", environment=packages, packages=first.slot)
    look = second.step("sh", "-c", "node main.js; ls", cwd="app", environment=packages, packages=second.slot)
    async with opened(first) as engine:
        before = await engine.run(step, first.log)
        modules = (Path(before.root) / "app/node_modules").stat().st_ino
    (second.root / MAIN).write_text("console.log('second')")

    async with opened(second) as engine:
        after = await engine.run(look, second.log)

    assert before.stdout == HELLO, first.written()
    assert after.root == before.root
    assert (Path(after.root) / "app/node_modules").stat().st_ino == modules
    assert after.stdout.split() == ["second", "main.js", "node_modules", "package.json"]


async def test_stack_gets_no_packages_that_another_one_changed(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    first, second = stacks
    packages = node_packages(first)
    spoil = "find . -path '*/node_modules/*' -name '*.js' -exec sh -c 'echo \"process.exit(1)\" > \"$1\"' - {} \\;"
    async with opened(first) as engine:
        before = await engine.run(first.step("sh", "-c", spoil, environment=packages, packages=first.slot), first.log)
    async with opened(second) as engine:
        after = await engine.run(
            second.step("node", "main.js", cwd="app", environment=packages, packages=second.slot), second.log
        )

    assert (after.root, after.stdout) == (before.root, HELLO), second.written()


async def test_two_runs_at_once_have_workspaces_of_their_own(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    packages = node_packages(stacks[0])
    async with opened(stacks[0]) as one, opened(stacks[1]) as other:
        runs = [
            await engine.run(
                bench.step("node", "main.js", cwd="app", environment=packages, packages=bench.slot), bench.log
            )
            for engine, bench in zip((one, other), stacks, strict=True)
        ]

    assert [each.stdout for each in runs] == [HELLO] * 2
    assert runs[0].root != runs[1].root


async def test_workspaces_without_packages_of_node_are_of_one_stack(stacks: tuple[Bench, Bench]) -> None:
    roots = []
    for bench in stacks:
        async with opened(bench) as engine:
            roots.append((await engine.run(bench.step("true"), bench.log)).root)

    assert roots[0] != roots[1]


async def test_fresh_run_uses_no_workspace_of_another_one(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    packages = node_packages(stacks[0])
    step = stacks[0].step("node", "main.js", cwd="app", environment=packages, packages=stacks[0].slot)
    async with opened(stacks[0]) as engine:
        kept = await engine.run(step, stacks[0].log)
    async with stacks[1].engine(fresh=True) as engine:
        fresh = await engine.run(step, stacks[1].log)

    assert (kept.stdout, fresh.stdout) == (HELLO, HELLO)
    assert not Path(fresh.root).is_relative_to(stacks[1].cache)


async def test_slot_gets_the_workspace_that_another_one_has_left(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    bench, packages = stacks[0], node_packages(stacks[0])
    slots = [f"{bench.slot}-{number}" for number in range(3)]
    first, second, third = (
        bench.step("sh", "-c", "ls; echo > made; node main.js", cwd="app", environment=packages, packages=bench.slot)
        for _ in slots
    )
    first, second, third = (replace(step, slot=slot) for step, slot in zip((first, second, third), slots, strict=True))
    async with opened(bench) as engine:
        before = await engine.run(first, bench.log)
        beside = await engine.run(second, bench.log)
        await engine.leave([first.slot])
        after = await engine.run(third, bench.log)
        again = await engine.run(replace(second, argv=("ls",)), bench.log)

    assert [each.stdout.split()[-1] for each in (before, beside, after)] == ["you"] * 3, bench.written()
    assert "made" not in after.stdout
    assert "made" in again.stdout
    assert before.root == after.root != beside.root == again.root


async def test_slot_prefers_its_workspace_of_the_last_run(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    bench, packages = stacks[0], node_packages(stacks[0])
    slots = [f"{bench.slot}-{number}" for number in range(2)]
    steps = [bench.step("true", slot=slot, environment=packages, packages=bench.slot) for slot in slots]
    async with opened(bench) as engine:
        before = [(await engine.run(step, bench.log)).root for step in steps]
    async with opened(bench) as engine:
        after = [(await engine.run(step, bench.log)).root for step in reversed(steps)]

    assert after == [*reversed(before)]


async def test_workspace_of_a_step_with_secrets_is_left_to_no_other_slot(
    stacks: tuple[Bench, Bench], node_packages: Callable[..., Environment]
) -> None:
    bench, packages = stacks[0], node_packages(stacks[0])
    secret = bench.step("true", secrets=("KEY",), environment=packages, packages=bench.slot)
    async with LocalEngine(bench.engine_context(secrets=Secrets({"KEY": "c4n4ry-value-of-a-secret"}))) as engine:
        exposed = (await engine.run(secret, bench.log)).root
        await engine.leave([secret.slot])
        other = (await engine.run(replace(secret, slot=f"{bench.slot}-b", secrets=()), bench.log)).root

    assert exposed != other
    assert (exists(exposed), exists(other)) == (False, True)
