"""Behaviour of the embedded engine beyond the common contract: kept workspaces, and cleanup after killed runs."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local import run_dirs
from tasks.engines.local.run_dirs import create_run_dirs, remove_abandoned_run_dirs
from tasks.errors import EngineError
from tasks.steps import CACHE, PYTHON


async def test_edit_of_the_same_size_and_time_uses_no_old_bytecode(bench: Any) -> None:
    module = bench.root / "module.py"
    script = "import module; print(module.VALUE)"
    seen = []
    for value in ("1", "2"):
        module.write_text(f"VALUE = {value}\n")
        os.utime(module, (1_700_000_000, 1_700_000_000))
        async with bench.engine() as engine:
            step = bench.step(PYTHON, "-c", script, env=(("PYTHONDONTWRITEBYTECODE", ""),))
            seen.append((await engine.run(step, bench.log)).stdout)

    assert seen == ["1\n", "2\n"]


async def test_the_home_of_a_step_is_empty(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", 'ls -A "$HOME"'), bench.log)

    assert (exit.code, exit.stdout) == (0, "")


@pytest.mark.parametrize("fresh", [True, False])
async def test_only_a_fresh_run_leaves_its_workspaces_to_another_process(
    bench: Any, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    handed_over: list[Path] = []

    def hand_over(path: Path, lock: int) -> None:
        handed_over.append(path)
        os.close(lock)

    monkeypatch.setattr(run_dirs, "remove_in_background", hand_over)
    async with bench.engine(fresh=fresh) as engine:
        assert (await engine.run(bench.step("true"), bench.log)).code == 0
        disk = engine._run_dirs.disk

    assert handed_over == ([disk] if fresh else [])


async def test_cancelling_leaves_no_process_and_no_directory(bench: Any, running: Any, until: Any) -> None:
    async with bench.engine("cancelled") as engine:
        task = asyncio.create_task(
            engine.run(bench.step("sh", "-c", "touch here; sleep 300 & setsid sleep 300"), bench.log)
        )
        await until(lambda: list((bench.cache / "stacks").glob("*/slot-*/here")))
        place = engine._run_dirs.path
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not running("PREDEPLOY_RUN=cancelled-")

    assert not place.exists()
    assert not list(bench.data.glob("runs/*"))


async def test_failure_on_a_full_disk_is_no_verdict(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_dirs, "ENOUGH", 1 << 60)
    async with bench.engine() as engine:
        failed = await engine.run(bench.step("false"), bench.log)
        passed = await engine.run(bench.step("true"), bench.log)
        trouble = await engine.trouble()

    assert (failed.code, failed.trouble) == (1, "disk_full")
    assert (passed.code, passed.trouble) == (0, "")
    assert trouble is not None
    assert trouble[0] == "disk_full"


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system")
async def test_disk_that_fills_up_during_a_step_is_detected(bench: Any) -> None:
    small = bench.cache
    small.mkdir()
    mounted = await run("mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(small))
    if mounted:
        pytest.skip("this system does not let us mount")
    try:
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("sh", "-c", f"head -c 100M /dev/zero > {CACHE}/big"), bench.log)
    finally:
        await run("umount", "-l", str(small))

    assert exit.code not in {0, None}
    assert exit.trouble == "disk_full"
    assert str(small) in exit.detail


async def run(*argv: str) -> int:
    process = await asyncio.create_subprocess_exec(*argv, stderr=subprocess.DEVNULL)
    return await process.wait()


def test_directories_of_killed_runs_are_removed_and_of_running_ones_kept(tmp_path: Path) -> None:
    living = create_run_dirs(tmp_path, {})
    dead = create_run_dirs(tmp_path, {})
    for lock in dead.locks:
        os.close(lock)

    remove_abandoned_run_dirs(tmp_path)

    assert living.path.exists()
    assert living.disk.exists()
    assert not dead.path.exists()
    assert not dead.disk.exists()
    living.remove()
    assert not living.path.exists()


@pytest.mark.parametrize("moment", ["step", "install"])
def test_a_killed_engine_leaves_no_process_and_the_next_one_cleans_up(bench: Any, running: Any, moment: str) -> None:
    program = KILLED.format(root=bench.root, cache=bench.cache, data=bench.data, log=bench.log, moment=moment)
    here = Path(__file__).parents[3]
    started = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=here)
    assert started.stdout is not None
    assert started.stdout.readline() == "running\n"
    started.kill()
    started.wait()

    async def later() -> None:
        for _ in range(500):
            if not running("PREDEPLOY_RUN=killed-run/"):
                break
            await asyncio.sleep(0.01)
        async with bench.engine() as engine:
            await engine.run(bench.step("true"), bench.log)

    asyncio.run(later())
    assert not running("PREDEPLOY_RUN=killed-run/")
    assert not list(bench.data.glob("runs/*"))
    assert not list((bench.cache / "environments").glob("key-*/"))


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tasks.engines.local.engine import LocalEngine
from tasks.engines.context import EngineContext
from tasks.stack import Version
from tasks.steps import Command, Environment, Inputs, Step
from tasks.source.tree import Tree

async def main():
    tree = Tree(root=Path("{root}"), files={{}}, untracked=(), commit=None, changed=True, digest="")
    argv = ("sh", "-c", "echo running > /proc/" + str(os.getpid()) + "/fd/1; sleep 300 & setsid sleep 300")
    install = Command(argv=argv, label="install", phase="acquire")
    environment = Environment(
        kind="python", title="packages", root=".", version=Version(), inputs=(), commands=(install,), control=(),
        key="key",
    )
    context = EngineContext(
        tree=tree, cache=Path("{cache}"), data=Path("{data}"), run_id="killed-run", reason="", note=print_nothing,
        environ=os.environ,
    )
    async with LocalEngine(context) as engine:
        if "{moment}" == "step":
            await engine.run(Step(slot="s", argv=argv, cwd=".", inputs=Inputs(), limit=300), Path("{log}"))
        else:
            await engine.prepare(environment, Path("{log}"))

def print_nothing(text):
    pass

asyncio.run(main())
"""


async def test_engine_without_a_usable_directory_reports_it(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((EngineError, OSError)):
        async with bench.engine(data=tmp_path / "file"):
            pass


async def test_configuration_above_the_workspaces_is_ignored(bench: Any) -> None:
    """A user may have such a file in the home directory, and the cache lies below it."""
    (bench.root / "unused.py").write_text("import os\n")
    bench.cache.mkdir(parents=True)
    (bench.cache / "ruff.toml").write_text('lint.ignore = ["F401"]\n')
    ruff = Path(sys.executable).with_name("ruff")
    async with bench.engine() as engine:
        exit = await engine.run(bench.step(str(ruff), "check", "--no-cache", "."), bench.log)

    assert "F401" in exit.stdout, bench.written()
