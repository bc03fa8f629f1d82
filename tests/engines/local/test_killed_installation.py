"""A run that is killed in the middle of an installation leaves no process, and the next run installs the packages."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.steps import Environment
from tests.engines.conformance import packages
from tests.engines.local.test_package_credentials import backend, python_packages
from tests.support.benches import Bench, hello

ROOT = Path(__file__).parents[3]
INSTALLS = """
import asyncio, pickle, sys
from pathlib import Path

async def main():
    bench, packages = pickle.loads(Path(sys.argv[1]).read_bytes())
    async with bench.engine(run_id="killed") as engine:
        await engine.prepare(packages, bench.log)

asyncio.run(main())
"""
BLOCKS = """
begun = pathlib.Path({begun!r})
if not begun.exists():
    begun.touch()
    import time
    time.sleep(600)
"""


def is_begun(place: Path) -> bool:
    """Whether a store has a file, or a file exists."""
    return place.is_file() or any(path.is_file() and path.stat().st_size > 1000 for path in place.rglob("*"))


def kill_during(bench: Bench, environment: Environment, place: Path) -> None:
    """Starts an installation, and kills its process group as soon as there is something in `place`."""
    given = bench.base / "given"
    given.write_bytes(pickle.dumps((bench, environment)))
    argv = [sys.executable, "-c", INSTALLS, str(given)]
    environ = {**bench.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=environ, start_new_session=True) as process:
        until = time.monotonic() + 120
        while not is_begun(place) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        is_running = process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    assert is_running
    assert is_begun(place)


@pytest.fixture
def building(tmp_path: Path) -> tuple[Bench, Environment, Path]:
    """uv, while it builds a package."""
    bench = hello(tmp_path, name="local")
    begun = tmp_path / "begun"
    for name, text in backend("local", tmp_path / "mark").items():
        path = bench.root / "pkg" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"import pathlib\n{BLOCKS.format(begun=str(begun))}{text}" if name == "backend.py" else text)
    return bench, python_packages(bench, "./pkg\n", "pkg/pyproject.toml", "pkg/backend.py"), begun


@pytest.fixture
def downloading(locked: Bench, tmp_path: Path) -> tuple[Bench, Environment, Path]:
    """uv, while it downloads packages."""
    bench = replace(locked, cache=tmp_path / "cache")
    return bench, packages.python_packages(bench), bench.cache / "stores/uv"


@pytest.fixture
def linking(locked: Bench, tmp_path: Path) -> tuple[Bench, Environment, Path]:
    """pnpm, while it fills its store."""
    bench = replace(locked, cache=tmp_path / "cache")
    return bench, packages.node_packages(bench), bench.cache / "stores/pnpm"


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("moment", ["building", "downloading", "linking"])
async def test_next_run_installs_what_a_killed_one_began(
    moment: str, request: pytest.FixtureRequest, running: Callable[[str], list[int]]
) -> None:
    bench, environment, place = request.getfixturevalue(moment)
    kill_during(bench, environment, place)
    wait_for_none(lambda: running("PREDEPLOY_RUN=killed-"))

    async with bench.engine() as engine:
        prepared = await engine.prepare(environment, bench.log)
        warnings = [*engine.warnings]
    async with bench.engine() as engine:
        again = await engine.prepare(environment, bench.log)

    assert (prepared.exit.code, prepared.reused) == (0, False), bench.written()
    assert again.reused
    assert warnings == []
    assert [*left(bench)] == []


def wait_for_none(find: Callable[[], list[int]]) -> None:
    """The processes of the killed run end by themselves."""
    until = time.monotonic() + 30
    while (found := find()) and time.monotonic() < until:
        time.sleep(0.1)
    assert found == []


def left(bench: Bench) -> Iterator[Path]:
    """The incomplete entries of the store, and the directories of runs."""
    for path in (bench.cache / "environments").iterdir():
        if path.is_dir() and not (path / ".complete").exists():
            yield path
    yield from (bench.data / "runs").glob("predeploy-*")
