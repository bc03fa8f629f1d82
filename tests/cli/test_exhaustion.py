"""The last line of a run comes also without memory, file descriptors, a home or a temporary directory."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.cli import bytecode
from tests.cli.caller import LAST, ROOT, Caller
from tests.cli.stack import TinyStack

ABORTS = """
import os, sys, ctypes
from flows.cli import main as module
def main(**_):
    print("half a line", end="", flush=True)
    {how}
module.main = main
sys.argv = ["predeploy", *sys.argv[1:]]
from flows.cli.process import enter
enter(lambda: None)
"""


@pytest.mark.parametrize("how", ["os.abort()", "ctypes.string_at(0)", "os.kill(os.getpid(), 9)", "os._exit(70)"])
def test_process_that_ends_without_a_word_has_a_last_line(how: str) -> None:
    program = ABORTS.format(how=how)
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )

    last = LAST.fullmatch(ended.stdout.splitlines()[-1])
    assert last, ended
    assert (last["word"], last["exit"]) == ("ERRORED", "3")
    assert "Too little memory is the usual cause" in ended.stderr


def test_process_that_ends_by_itself_has_one_last_line(caller: Caller, green: TinyStack) -> None:
    ended = replace(caller, how="exec").run(green.root)

    ended.assert_ended(0, "PASSED")
    assert ended.stdout.count("PREDEPLOY ") == 1


def test_signal_to_the_whole_group_is_answered_once(caller: Caller, stack: TinyStack) -> None:
    stack.has("long", "touch $1/begun; exec sleep 600")
    call = caller.start(stack.root)
    while not stack.mark("begun").exists():
        assert call.process.returncode is None

    call.press(signal.SIGINT)
    ended = call.wait()

    ended.assert_ended(130, "INTERRUPTED")
    assert ended.stdout.count("PREDEPLOY ") == 1


@pytest.mark.parametrize("limit", ["-n 8", "-n 12", "-n 16", "-v 60000", "-v 200000", "-v 500000"])
def test_little_of_a_resource_ends_with_a_last_line(caller: Caller, green: TinyStack, limit: str) -> None:
    command = f'ulimit {limit}; exec "$0" -P -m flows.predeploy "$1"'
    ended = subprocess.run(
        ["bash", "-c", command, sys.executable, str(green.root)],
        env={**caller.variables, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    last = LAST.fullmatch((ended.stdout.splitlines() or [""])[-1])
    assert last, ended
    assert last["word"] in {"ERRORED", "PASSED"}, ended
    assert "Traceback" not in ended.stdout, ended


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HOME", "", "HOME is '', which is no absolute path"),
        ("HOME", "here", "HOME is 'here', which is no absolute path"),
        ("HOME", "/dev/null", "HOME: predeploy cannot write to /dev/null/"),
        ("HOME", "/proc", "HOME: predeploy cannot write to /proc/"),
        ("XDG_CACHE_HOME", "/dev/null", "XDG_CACHE_HOME: predeploy cannot write to /dev/null/predeploy"),
        ("XDG_DATA_HOME", "/proc", "XDG_DATA_HOME: predeploy cannot write to /proc/predeploy"),
        ("TMPDIR", "/dev/null", "TMPDIR is '/dev/null', which is no directory"),
        ("TMPDIR", "/no such place", "TMPDIR is '/no such place', which is no directory"),
        ("TMPDIR", "here", "TMPDIR is 'here', which is no directory"),
        ("TMPDIR", "/proc", "TMPDIR: predeploy cannot write to /proc"),
    ],
)
def test_directory_that_a_run_cannot_use_is_named(
    caller: Caller, green: TinyStack, variable: str, value: str, says: str
) -> None:
    ended = replace(caller, environ={**caller.environ, variable: value}).run(green.root)

    ended.assert_ended(2, "USAGE")
    assert says in ended.stderr


@pytest.mark.parametrize("place", ["/", "/usr", "home"])
def test_whole_disk_or_home_is_no_stack(caller: Caller, place: str) -> None:
    cwd = caller.home if place == "home" else Path(place)
    if place == "home":
        (cwd / "a").mkdir(exist_ok=True)

    ended = replace(caller, cwd=cwd).run()

    ended.assert_ended(2, "USAGE")
    assert "has no repository, and it is a place for all files of a person or a machine" in ended.stderr


def test_home_that_is_the_stack_is_validated(caller: Caller, green: TinyStack) -> None:
    (green.root / ".git").rename(green.root.parent / "gone")

    ended = replace(caller, environ={**caller.environ, "HOME": str(green.root)}, cwd=green.root).run("--list")

    assert ended.code == 0, ended.transcript
    assert os.listdir(green.root)  # noqa: PTH208


def test_first_run_with_a_limit_of_files_damages_no_compiled_module(tmp_path: Path) -> None:
    """Python 3.11 keeps a compiled module that it could write in part only: no later run would start."""
    for name in ("flows", "tasks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    program = f"{sys.executable} -P -m flows.predeploy --plan ."
    codes = []
    for limit in ("ulimit -f 4;", ""):
        argv = ["bash", "-c", f"{limit} exec {program}"]
        codes.append(subprocess.run(argv, env=environ, cwd=tmp_path, capture_output=True, check=False).returncode)

    assert codes == [2, 2]  # there is no stack


@pytest.mark.parametrize(("limit", "free", "expected"), [(None, 1 << 40, False), (None, 9, True), (9, 1 << 40, True)])
def test_compiled_modules_are_not_kept_without_room(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, free: int, *, expected: bool
) -> None:
    limits = (resource.RLIM_INFINITY if limit is None else limit,) * 2
    monkeypatch.setattr("flows.cli.bytecode.resource.getrlimit", lambda _: limits)
    monkeypatch.setattr("flows.cli.bytecode.os.statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=1))
    monkeypatch.setattr("flows.cli.bytecode.os.unlink", lambda _: None)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)

    bytecode.protect_bytecode()

    assert sys.dont_write_bytecode is expected
    assert ("PYTHONDONTWRITEBYTECODE" in os.environ) is expected
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
