"""The embedded engine: steps in workspaces of their own, and nothing left when it closes."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local import room
from tasks.engines.local.room import enter_room, remove_rooms
from tasks.errors import EngineError
from tasks.steps import CACHE, DB_URL, ENV, OUT, PROBES, PYTHON, WORK, Inputs


async def test_a_step_runs_in_a_copy_of_the_tree(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", "cat hello.txt; pwd; echo oops >&2; exit 3"), bench.log)

    assert (exit.code, exit.stderr, exit.trouble) == (3, "oops\n", "")
    assert exit.stdout == f"hello\n{exit.root}\n"
    assert not Path(exit.root).is_relative_to(bench.root)
    assert "exit 3" in bench.written()


async def test_tokens_lead_to_places_that_are_there(bench: Any) -> None:
    script = "test -d $1 -a -d $2 -a -d $3 -a -d $4 && test -z \"$(ls $2)\" && $5 -c 'import ssl' && echo $MINE"
    step = bench.step("sh", "-c", script, "-", WORK, OUT, CACHE, PROBES, PYTHON, env=(("MINE", f"<{WORK}>"),))
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert exit.code == 0, bench.written()
    assert exit.stdout == f"<{exit.root}>\n"


@pytest.mark.parametrize("token", [DB_URL, ENV])
async def test_a_token_that_stands_for_nothing_is_our_own_mistake(bench: Any, token: str) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("echo", token), bench.log)

    assert (exit.code, exit.trouble) == (None, "internal")
    assert token in exit.detail


async def test_steps_of_a_slot_share_its_directories_and_other_slots_do_not(bench: Any) -> None:
    async with bench.engine() as engine:
        write = f"touch made {OUT}/made {CACHE}/made"
        first = await engine.run(bench.step("sh", "-c", write), bench.log)
        second = await engine.run(bench.step("ls", "made", f"{OUT}/made", f"{CACHE}/made"), bench.log)
        other = await engine.run(bench.step("ls", "made", slot="other"), bench.log)
    async with bench.engine() as engine:
        later = await engine.run(bench.step("sh", "-c", f"ls {CACHE} {OUT} ."), bench.log)

    assert (first.code, second.code) == (0, 0)
    assert other.code != 0
    assert ".:\nhello.txt\n" in later.stdout
    assert later.stdout.count("made") == 1, later.stdout


async def test_a_step_sees_its_inputs_only(bench: Any) -> None:
    (bench.root / "apps").mkdir()
    (bench.root / "apps/main.py").touch()
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("find", ".", "-type", "f", inputs=Inputs(include=("apps",))), bench.log)

    assert exit.stdout == "./apps/main.py\n"


async def test_an_edit_of_the_same_size_and_time_is_not_run_from_old_bytecode(bench: Any) -> None:
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


async def test_the_callers_own_environment_stays_outside(bench: Any) -> None:
    caller = dict(os.environ) | {"DATABASE_URL": "postgres://production", "PYTHONPATH": "/somewhere"}
    async with bench.engine("clean", environ=caller) as engine:
        exit = await engine.run(bench.step("env"), bench.log)
        home = await engine.run(bench.step("sh", "-c", 'ls -A "$HOME"'), bench.log)

    variables = dict(line.split("=", 1) for line in exit.stdout.splitlines())
    assert not {"DATABASE_URL", "PYTHONPATH"} & variables.keys()
    assert variables["PREDEPLOY_RUN"].startswith("clean-")
    assert "CI" not in variables
    assert home.stdout == ""


async def test_a_program_that_is_not_there_is_exit_127_as_in_a_shell(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("no-such-program"), bench.log)

    assert (exit.code, exit.trouble) == (127, "")


async def test_a_step_over_its_limit_is_ended_with_what_it_started(bench: Any, running: Any) -> None:
    async with bench.engine("limited") as engine:
        exit = await engine.run(bench.step("sh", "-c", "sleep 300 & setsid sleep 300", limit=0.3), bench.log)

        assert (exit.code, exit.timed_out) == (None, True)
        assert not running("PREDEPLOY_RUN=limited-")


async def test_a_signal_from_outside_is_no_exit_code(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", "kill -9 $$"), bench.log)

    assert (exit.code, exit.signal, exit.trouble) == (None, signal.SIGKILL, "")


async def test_cancelling_leaves_no_process_and_no_directory(bench: Any, running: Any, until: Any) -> None:
    async with bench.engine("cancelled") as engine:
        task = asyncio.create_task(
            engine.run(bench.step("sh", "-c", "touch here; sleep 300 & setsid sleep 300"), bench.log)
        )
        await until(lambda: list((bench.cache / "stacks").glob("*/slot-*/here")))
        place = engine._room.path
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not running("PREDEPLOY_RUN=cancelled-")

    assert not place.exists()
    assert not list(bench.data.glob("runs/*"))


async def test_an_exception_inside_the_block_ends_what_still_runs(bench: Any, running: Any, until: Any) -> None:
    async def fail() -> None:
        async with bench.engine("broken") as engine:
            tasks.append(asyncio.create_task(engine.run(bench.step("sh", "-c", "touch here; sleep 300"), bench.log)))
            await until(lambda: list((bench.cache / "stacks").glob("*/slot-*/here")))
            raise RuntimeError("ours")

    tasks: list[asyncio.Task[object]] = []
    with pytest.raises(RuntimeError, match="ours"):
        await fail()

    assert not running("PREDEPLOY_RUN=broken-")
    done, _ = await asyncio.wait(tasks, timeout=5)
    assert done


async def test_two_engines_at_once_on_one_stack_do_not_meet(bench: Any) -> None:
    async with bench.engine("a") as one, bench.engine("b") as two:
        script = (
            f"echo $0 > mine; echo $0 > {OUT}/mine; echo $0 > {CACHE}/mine; sleep 0.2; cat mine {OUT}/mine {CACHE}/mine"
        )
        exits = await asyncio.gather(
            one.run(bench.step("sh", "-c", script, "one"), bench.log),
            two.run(bench.step("sh", "-c", script, "two"), bench.log.with_name("two.log")),
        )

    assert [exit.stdout.split() for exit in exits] == [["one"] * 3, ["two"] * 3]
    assert exits[0].root != exits[1].root


async def test_a_full_disk_makes_failures_mean_nothing(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ENOUGH", 1 << 60)
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
async def test_a_disk_that_fills_up_is_found_out(bench: Any) -> None:
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


async def test_a_healthy_engine_has_no_trouble_and_says_who_it_is(bench: Any) -> None:
    async with bench.engine(reason="because") as engine:
        assert await engine.trouble() is None
        assert (engine.facts.name, engine.facts.reason) == ("local", "because")
        assert engine.provides == {"postgres", "node", "python"}


def test_directories_of_killed_runs_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    living = enter_room(tmp_path, {})
    dead = enter_room(tmp_path, {})
    for lock in dead.locks:
        os.close(lock)

    remove_rooms(tmp_path)

    assert living.path.exists()
    assert living.disk.exists()
    assert not dead.path.exists()
    assert not dead.disk.exists()
    living.leave()
    assert not living.path.exists()


@pytest.mark.parametrize("moment", ["step", "install"])
def test_a_killed_engine_leaves_no_process_and_the_next_one_cleans_up(bench: Any, running: Any, moment: str) -> None:
    program = KILLED.format(root=bench.root, cache=bench.cache, data=bench.data, log=bench.log, moment=moment)
    here = Path(__file__).parents[2]
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
from tasks.engines.surroundings import Surroundings
from tasks.stack import Version
from tasks.steps import Command, Environment, Inputs, Step
from tasks.tree import Tree

async def main():
    tree = Tree(root=Path("{root}"), files={{}}, untracked=(), commit=None, changed=True, digest="")
    argv = ("sh", "-c", "echo running > /proc/" + str(os.getpid()) + "/fd/1; sleep 300 & setsid sleep 300")
    install = Command(argv=argv, label="install", phase="acquire")
    environment = Environment(
        kind="python", title="packages", root=".", version=Version(), inputs=(), commands=(install,), control=(),
        key="key",
    )
    around = Surroundings(
        tree=tree, cache=Path("{cache}"), data=Path("{data}"), run_id="killed-run", reason="", note=print_nothing,
        environ=os.environ,
    )
    async with LocalEngine(around) as engine:
        if "{moment}" == "step":
            await engine.run(Step(slot="s", argv=argv, cwd=".", inputs=Inputs(), limit=300), Path("{log}"))
        else:
            await engine.prepare(environment, Path("{log}"))

def print_nothing(text):
    pass

asyncio.run(main())
"""


async def test_an_engine_without_a_place_to_work_says_so(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((EngineError, OSError)):
        async with bench.engine(data=tmp_path / "file"):
            pass


async def test_a_configuration_above_the_workspaces_is_none_of_the_stacks(bench: Any) -> None:
    """A user may well keep one in the home directory, and the cache lies below it."""
    (bench.root / "unused.py").write_text("import os\n")
    bench.cache.mkdir(parents=True)
    (bench.cache / "ruff.toml").write_text('lint.ignore = ["F401"]\n')
    ruff = Path(sys.executable).with_name("ruff")
    async with bench.engine() as engine:
        exit = await engine.run(bench.step(str(ruff), "check", "--no-cache", "."), bench.log)

    assert "F401" in exit.stdout, bench.written()


async def test_a_step_that_begins_anew_finds_nothing_of_the_attempt_before(bench: Any) -> None:
    async with bench.engine() as engine:
        await engine.run(bench.step("sh", "-c", f"touch made {OUT}/made", begins=True), bench.log)
        again = await engine.run(bench.step("sh", "-c", f"ls . {OUT}", begins=True), bench.log)

    assert "made" not in again.stdout
