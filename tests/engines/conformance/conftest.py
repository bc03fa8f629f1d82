"""Fixtures that run each test of this folder on both engines, one after the other."""

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
    """The shared cache, so that tests reuse downloads."""
    return cache_below(shared_home)


@pytest.fixture(scope="module")
def engine_context() -> Mapping[str, Any]:
    """The options for the engine of a module, in addition to its stack."""
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


# In containers these modules take minutes together, so `just test-faults` runs them. The tests below of each module
# also run wherever an engine is available.
LONG = ("test_steps", "test_databases", "test_servers", "test_environments", "test_secrets", "test_trees")
STAYING = {
    "test_healthy_engine_has_no_trouble_and_reports_name_and_version",
    "test_a_step_runs_in_a_copy_of_the_tree",
    "test_tokens_resolve_to_existing_paths",
    "test_steps_of_one_slot_share_its_directories",
    "test_failed_step_is_executed_again",
    "test_a_step_sees_its_inputs_only",
    "test_step_over_its_limit_is_stopped_and_its_output_is_kept",
    "test_step_does_not_get_the_caller_s_environment",
    "test_database_copy_has_the_template_s_rows_and_is_independent",
    "test_each_step_has_its_own_server",
    "test_node_packages_are_in_each_workspace_that_needs_them",
    "test_step_gets_its_declared_secrets_unchanged",
    "test_base_step_has_only_the_files_of_the_base",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent != Path(__file__).parent or item.path.stem not in LONG or "[dagger" not in item.name:
            continue
        if getattr(item, "originalname", "") not in STAYING:
            item.add_marker(pytest.mark.slow)
