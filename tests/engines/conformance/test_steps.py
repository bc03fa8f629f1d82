"""Steps: their workspace, their environment, their ends, and the reports about these."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.command_log import KEPT
from tasks.steps import CACHE, DB_URL, ENV, OUT, PROBES, PYTHON, SERVER_PORT, WORK, Inputs
from tests.support.benches import GIVEN, Bench, Opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

RANDOM = "/proc/sys/kernel/random/uuid"
CALLERS_OWN = {
    "DATABASE_URL": "postgres://production",
    "PYTHONPATH": "/somewhere",
    "VIRTUAL_ENV": "/venv",
    "AWS_SECRET_ACCESS_KEY": "k3y",
    "CI": "true",
    "UV_INDEX_COMPANY_PASSWORD": "p4ss",
}


@pytest.fixture(scope="module")
def engine_context(module_bench: Bench) -> Mapping[str, Any]:
    """An engine on a stack of a few files, for a user with an environment."""
    (module_bench.root / "apps").mkdir()
    (module_bench.root / "apps/main[1].py").touch()
    script = module_bench.root / "apps/script"
    script.write_text("#!/bin/sh\necho script\n")
    script.chmod(0o755)
    return {"environ": os.environ | GIVEN | CALLERS_OWN, "reason": "because"}


async def test_healthy_engine_has_no_trouble_and_reports_name_and_version(opened: Opened) -> None:
    trouble = await opened.engine.trouble()

    facts = opened.engine.facts
    assert trouble is None
    assert (facts.name, facts.reason) == (opened.bench.name, "because")
    assert facts.version not in {"", "?"}
    assert opened.engine.provides >= {"postgres", "node", "python"}
    assert not opened.engine.warnings


async def test_a_step_runs_in_a_copy_of_the_tree(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", "cat hello.txt; pwd; rm hello.txt; echo oops >&2; exit 3")

    assert (exit.code, exit.stdout, exit.stderr, exit.trouble) == (3, f"hello\n{exit.root}\n", "oops\n", "")
    assert not Path(exit.root).is_relative_to(opened.bench.root)
    assert (opened.bench.root / "hello.txt").exists()


async def test_exit_has_the_processor_time_of_the_program_and_its_children(opened: Opened) -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    script = 'import subprocess, sys; [subprocess.run([sys.executable, "-c", sys.argv[1]]) for _ in "12"]'

    exit = await opened.run(PYTHON, "-c", script, burn, begins=True)

    assert exit.code == 0
    assert exit.cpu is not None
    assert 0.4 <= exit.cpu < 30


async def test_output_that_a_program_writes_to_dev_stdout_is_whole(opened: Opened) -> None:
    """Vitest writes its JSON so. What the other streams write later must not be on top of it."""
    exit = await opened.run("sh", "-c", "echo a first line; printf '%s' '{a document}' >/dev/stdout; echo end")

    assert exit.stdout.endswith("{a document}end\n")


async def test_command_output_and_exit_are_in_the_log(opened: Opened) -> None:
    await opened.run("sh", "-c", "echo out; echo err >&2; exit 3")
    await opened.run("true")

    log = opened.bench.written()
    assert log.startswith("$ sh -c 'echo out; echo err >&2; exit 3'\n# in ")
    assert {"out", "err"} <= set(log.splitlines())
    assert log.index("# exit 3 after ") < log.index("$ true\n") < log.index("# exit 0 after ")


async def test_tokens_resolve_to_existing_paths(opened: Opened) -> None:
    script = "test -d $1 -a -d $2 -a -d $3 -a -d $4 && test -z \"$(ls $2)\" && $5 -c 'import ssl' && echo $MINE"
    argv = ("sh", "-c", script, "-", WORK, OUT, CACHE, PROBES, PYTHON)
    exit = await opened.run(*argv, env=(("MINE", f"<{WORK}>"),))

    assert (exit.code, exit.stdout) == (0, f"<{exit.root}>\n"), exit


async def test_our_own_python_is_new_enough(opened: Opened) -> None:
    exit = await opened.run(PYTHON, "-c", "import sys; assert sys.version_info >= (3, 11)")

    assert exit.code == 0, exit.stderr


@pytest.mark.parametrize("token", [DB_URL, ENV, SERVER_PORT])
@pytest.mark.parametrize("place", ["argv", "env"])
async def test_unknown_token_is_an_internal_error(opened: Opened, token: str, place: str) -> None:
    exit = await (opened.run("echo", token) if place == "argv" else opened.run("true", env=(("NAME", token),)))

    assert (exit.code, exit.trouble) == (None, "internal")
    assert token in exit.detail


async def test_steps_of_one_slot_share_its_directories(opened: Opened) -> None:
    await opened.run("sh", "-c", f"touch made {OUT}/made {CACHE}/made")
    second = await opened.run("ls", "made", f"{OUT}/made", f"{CACHE}/made")
    other = await opened.run("sh", "-c", f"ls . {OUT} {CACHE}", slot="other")

    assert second.code == 0
    assert other.code == 0
    assert "made" not in other.stdout


async def test_files_of_a_failed_step_remain_for_the_next(opened: Opened) -> None:
    await opened.run("sh", "-c", "echo half >made; exit 1")
    exit = await opened.run("cat", "made")

    assert exit.stdout == "half\n"


async def test_restarted_step_finds_no_files_of_the_earlier_attempt(opened: Opened) -> None:
    await opened.run("sh", "-c", f"touch made {OUT}/made; rm hello.txt", begins=True)
    again = await opened.run("sh", "-c", f"ls . {OUT}", begins=True)

    assert "made" not in again.stdout
    assert "hello.txt" in again.stdout


async def test_failed_step_is_executed_again(opened: Opened) -> None:
    said = [await opened.run("sh", "-c", f"cat {RANDOM}; exit 1", begins=True, volatile=False) for _ in range(2)]

    assert said[0].stdout != said[1].stdout
    assert [exit.reused for exit in said] == [False, False]


async def test_a_step_sees_its_inputs_only(opened: Opened) -> None:
    find = ("find", ".", "-type", "f")
    below = await opened.run(*find, inputs=Inputs(include=("apps",)))
    one = await opened.run(*find, inputs=Inputs(include=("apps/main[1].py",)), slot="one")
    without = await opened.run(*find, inputs=Inputs(exclude=("apps/main[1].py",)), slot="without")

    assert sorted(below.stdout.split()) == ["./apps/main[1].py", "./apps/script"]
    assert one.stdout == "./apps/main[1].py\n"
    assert sorted(without.stdout.split()) == ["./apps/script", "./hello.txt"]


async def test_files_keep_their_modes(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", "./script && test -x script -a ! -x ../hello.txt && pwd", cwd="apps")

    assert (exit.code, exit.stdout) == (0, f"script\n{exit.root}/apps\n"), exit


async def test_exit_code_is_that_of_the_program(opened: Opened) -> None:
    codes = (0, 1, 2, 5, 42, 124, 125, 255)
    exits = await asyncio.gather(*[opened.run("sh", "-c", f"exit {code}") for code in codes])

    assert [exit.code for exit in exits] == list(codes)
    assert not any(exit.timed_out or exit.trouble for exit in exits)


@pytest.mark.parametrize(("program", "code"), [("no-such-program", 127), ("./hello.txt", 126)])
async def test_program_that_cannot_be_started_exits_as_in_a_shell(opened: Opened, program: str, code: int) -> None:
    exit = await opened.run(program)

    assert (exit.code, exit.trouble) == (code, "")


async def test_signal_that_ends_a_program_is_reported(opened: Opened) -> None:
    """The signal of the program itself, or the exit code of a shell for it."""
    exit = await opened.run("sh", "-c", "kill -9 $$")

    assert (exit.code, exit.signal) in {(None, signal.SIGKILL), (128 + signal.SIGKILL, None)}
    assert (exit.timed_out, exit.trouble) == (False, "")


async def test_stdin_is_empty_and_binary_output_is_kept(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", "wc -c; printf 'a\\377b\\n'")

    assert exit.stdout == "0\na\ufffdb\n"


async def test_end_of_long_output_is_kept_and_the_log_has_all_of_it(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", "seq 1 1300000; exit 1")

    first = int(exit.stdout.partition("\n")[0])
    assert (exit.code, first > 1, len(exit.stdout) <= KEPT) == (1, True, True)
    assert exit.stdout == "".join(f"{number}\n" for number in range(first, 1300001))
    log = opened.bench.written()
    assert "\n1\n2\n3\n" in log
    assert len(log) > KEPT


async def test_step_over_its_limit_is_stopped_and_its_output_is_kept(opened: Opened) -> None:
    late = f"sleep 300; touch {CACHE}/late"
    exit = await opened.run("sh", "-c", f"echo begun; ({late}) & setsid sh -c '{late}'", limit=1.0)
    later = await opened.run("test", "-e", f"{CACHE}/late")

    assert (exit.code, exit.timed_out, exit.stdout) == (None, True, "begun\n")
    assert "limit of 1 s" in exit.detail
    assert later.code == 1


async def test_step_that_ignores_sigterm_is_killed(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", "trap '' TERM; echo deaf; while sleep 0.2; do :; done", limit=1.0)

    assert (exit.code, exit.timed_out, exit.stdout) == (None, True, "deaf\n")


async def test_background_processes_end_with_their_step(opened: Opened) -> None:
    beat = f"while echo; do sleep 0.05; done >{CACHE}/beats"
    left = f"({beat}) & setsid sh -c '{beat}' & until test -s {CACHE}/beats; do sleep 0.05; done; echo left"
    exit = await opened.run("sh", "-c", left)
    later = await opened.run("sh", "-c", f"wc -c <{CACHE}/beats; sleep 0.4; wc -c <{CACHE}/beats")

    assert (exit.code, exit.stdout) == (0, "left\n")
    before, after = later.stdout.split()
    assert before == after


async def test_step_does_not_get_the_caller_s_environment(opened: Opened) -> None:
    exit = await opened.run("env", env=(("OWN", "given"),))
    home = await opened.run("sh", "-c", 'cd "$HOME" && ls -d .config .npmrc .netrc .gitconfig')

    variables = dict(line.split("=", 1) for line in exit.stdout.splitlines())
    assert not CALLERS_OWN.keys() & variables.keys()
    assert variables["PREDEPLOY_RUN"].startswith("test-run-")
    assert variables["OWN"] == "given"
    assert home.stdout == ""


async def test_steps_run_concurrently(opened: Opened) -> None:
    """Each step waits for the other one."""
    meet = f"touch {CACHE}/$0; until test -e {CACHE}/$1; do sleep 0.05; done"
    exits = await asyncio.gather(*[opened.run("sh", "-c", meet, *pair, limit=30) for pair in ("ab", "ba")])

    assert [exit.code for exit in exits] == [0, 0]
