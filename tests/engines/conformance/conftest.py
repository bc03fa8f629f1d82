"""Both engines, one after the other: what is tested here, each of them has to do."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tasks.engines.protocol import Engine
from tests.support.benches import Bench, Opened, cache_below, engines, hello

MARKS = {"local": (), "dagger": (pytest.mark.real, pytest.mark.network)}
ENGINES = [pytest.param(name, marks=MARKS[name]) for name in engines()]


@pytest.fixture(params=ENGINES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A bench for engines of a test's own."""
    return hello(tmp_path, name=request.param)


@pytest.fixture(scope="session")
def shared_cache(shared_home: Path) -> Path:
    """What was brought before."""
    return cache_below(shared_home)


@pytest.fixture(scope="module")
def engine_context() -> Mapping[str, Any]:
    """What the engine of a module is opened with, besides its stack."""
    return {}


@pytest.fixture(scope="module", params=ENGINES)
def module_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The bench of a module's engine."""
    return hello(tmp_path_factory.mktemp("engine"), name=request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(module_bench: Bench, engine_context: Mapping[str, Any]) -> AsyncIterator[Engine]:
    """One engine for all tests of a module: opening a session takes longer than most steps."""
    async with module_bench.engine(**engine_context) as engine:
        yield engine


@pytest.fixture
def opened(request: pytest.FixtureRequest, module_bench: Bench, engine: Engine) -> Opened:
    """The module's engine, with a slot for this test alone."""
    slot = re.sub(r"\W+", "-", request.node.name).strip("-")
    return Opened(bench=replace(module_bench, slot=slot), engine=engine)


# In containers these take minutes together, so `just test-faults` runs them. Some of each module stay: they
# are seen to be kept wherever an engine is named.
LONG = ("test_steps", "test_databases", "test_servers", "test_environments", "test_secrets", "test_trees")
STAYING = {
    "test_a_healthy_engine_has_no_trouble_and_says_who_it_is",
    "test_a_step_runs_in_a_copy_of_the_tree",
    "test_tokens_lead_to_places_that_are_there",
    "test_steps_of_a_slot_share_its_directories_and_other_slots_do_not",
    "test_a_step_that_failed_is_really_run_again",
    "test_a_step_sees_its_inputs_only",
    "test_a_step_over_its_limit_is_ended_and_what_it_said_is_kept",
    "test_the_callers_own_environment_stays_outside",
    "test_a_copy_has_what_its_template_had_and_goes_its_own_way",
    "test_each_step_has_a_server_of_its_own",
    "test_node_packages_lie_in_every_workspace_that_needs_them",
    "test_a_step_gets_what_it_declares_as_it_is",
    "test_a_step_of_the_base_has_the_files_of_the_base_and_no_others",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent != Path(__file__).parent or item.path.stem not in LONG or "[dagger" not in item.name:
            continue
        if getattr(item, "originalname", "") not in STAYING:
            item.add_marker(pytest.mark.slow)
