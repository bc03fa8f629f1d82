"""Two trees: a step of the base has the files and packages of the deployed tree, and the trees are isolated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tasks.steps import DB_URL, ENV, OUT, WORK, Database, Inputs
from tests.engines.conformance.packages import installed_by
from tests.support.benches import Bench, Opened, tree_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def engine_context(module_bench: Bench) -> Mapping[str, Any]:
    """A base with one different file, one file less and one file more than the tree."""
    deployed = module_bench.base / "deployed"
    (deployed / "app").mkdir(parents=True)
    (deployed / "hello.txt").write_text("hello from before\n")
    (deployed / "app/old.lock").write_text("old\n")
    (module_bench.root / "new.lock").write_text("new\n")
    return {"base": tree_of(deployed)}


async def test_base_step_has_only_the_files_of_the_base(opened: Opened) -> None:
    before = await opened.run("sh", "-c", "cat hello.txt; find . -type f | sort", tree="base", slot="trees_base")
    now = await opened.run("sh", "-c", "cat hello.txt; find . -type f | sort", slot="trees")

    assert before.stdout.split("\n")[:-1] == ["hello from before", "./app/old.lock", "./hello.txt"], before
    assert now.stdout.split("\n")[:-1] == ["hello", "./hello.txt", "./new.lock"], now


async def test_base_step_has_inputs_and_directories_like_other_steps(opened: Opened) -> None:
    chosen = Inputs(include=("app",))
    seen = await opened.run("sh", "-c", "find . -type f", tree="base", slot="chosen_base", inputs=chosen)
    inside = await opened.run("cat", "old.lock", tree="base", slot="inside_base", cwd="app")

    assert seen.stdout == "./app/old.lock\n", seen
    assert inside.stdout == "old\n", inside


async def test_files_of_a_base_step_remain_in_its_slot(opened: Opened) -> None:
    await opened.run("sh", "-c", f"echo mine >left; echo mine >{OUT}/left", tree="base", slot="left_base", begins=True)
    again = await opened.run("sh", "-c", f"cat left {OUT}/left", tree="base", slot="left_base")
    other = await opened.run("sh", "-c", f"ls {OUT} .", slot="left", begins=True)
    restarted = await opened.run("sh", "-c", f"ls {OUT} .", tree="base", slot="left_base", begins=True)

    assert again.stdout == "mine\nmine\n", again
    assert "left" not in other.stdout.split()
    assert "left" not in restarted.stdout.split()


async def test_environment_of_the_base_is_made_from_its_own_lock(opened: Opened) -> None:
    script = f"mkdir -p {ENV} && cp {WORK}/app/old.lock {ENV}/made"
    environment = replace(installed_by("sh", "-c", script, inputs=("app/old.lock",)), tree="base")
    prepared = await opened.engine.prepare(environment, opened.bench.log)
    used = await opened.run("cat", f"{ENV}/made", environment=environment, tree="base", slot="used_base")
    strange = replace(installed_by("true", inputs=("new.lock",)), tree="base")
    refused = await opened.engine.prepare(strange, opened.bench.log)

    assert prepared.exit.code == 0, opened.bench.written()
    assert used.stdout == "old\n", used
    assert (refused.exit.code, refused.exit.trouble) == (None, "internal")


@pytest.mark.real
@pytest.mark.network
async def test_steps_of_both_trees_share_a_database(opened: Opened) -> None:
    database = Database(name="of_both_trees")
    before = await opened.run("echo", DB_URL, database=database, tree="base", slot="data_base")
    now = await opened.run("echo", DB_URL, database=database, slot="data")

    assert before.stdout.endswith("/of_both_trees\n"), before
    assert before.stdout == now.stdout
