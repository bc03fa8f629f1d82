"""`--watch` validates after each edit, in forks of one process."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.cli.actions.watch import changes_of
from tests.cli.caller import Caller, wait_for
from tests.cli.stack import TinyStack

pytest.importorskip("watchfiles", reason="the optional extra watch is not installed: ./just setup installs it")


def test_each_edit_is_validated_and_the_newest_verdict_is_the_last_line(
    caller: Caller, stack: TinyStack, tmp_path: Path
) -> None:
    stack.has("works", "grep -q hello main.py || { echo 'main.py:1: error: no hello' >&2; exit 1; }")
    stack.has("other")
    caller = replace(caller, environ={**caller.environ, "DOPPLER_TOKEN": "dp.st.prd.c4n4ry"}, how="exec")
    out, errors = tmp_path / "stdout", tmp_path / "stderr"

    def watching(times: int) -> Callable[[], bool]:
        """A run is published before its verdict is printed. A signal in between would interrupt it."""
        return lambda: errors.read_text().count("Watching for edits.") == times

    with out.open("wb") as stdout, errors.open("wb") as stderr:
        call = caller.start(stack.root, "--watch", stdout=stdout, stderr=stderr)
        wait_for(watching(1), "the end of the first run")
        (stack.root / "main.py").write_text("print('bye')\n")
        wait_for(watching(2), "the end of the run after the first edit")
        (stack.root / "main.py").write_text("print('hello again')\n")
        wait_for(watching(3), "the end of the run after the second edit")
        call.process.send_signal(signal.SIGINT)
        found = replace(call.wait(), stdout=out.read_text(), stderr=errors.read_text())

    found.assert_ended(0, "PASSED")
    words = ["PASSED", "FAILED", "PASSED", "PASSED"]
    assert [line.split()[1] for line in found.stdout.splitlines() if line.startswith("PREDEPLOY ")] == words
    assert "works: passed -> failed\nverdict: passed -> failed\nWatching for edits." in found.stderr
    assert "works: failed -> passed\nverdict: failed -> passed\nWatching for edits." in found.stderr
    assert "c4n4ry" not in found.transcript


def test_an_edit_during_a_run_starts_another_one(caller: Caller, stack: TinyStack) -> None:
    stack.has("slow", "touch $1/begun; while [ ! -e $1/edited ]; do sleep 0.02; done")
    call = replace(caller, how="exec").start(stack.root, "--watch")
    wait_for(stack.mark("begun").exists, "the start of the check")

    (stack.root / "main.py").write_text("print('edited')\n")
    stack.mark("edited").touch()
    wait_for(lambda: len(stack.runs) == 2, "the run after the edit")
    call.process.send_signal(signal.SIGTERM)

    assert call.wait().last["word"] in {"PASSED", "INTERRUPTED"}


def test_a_signal_stops_the_run_in_progress_and_the_watch(caller: Caller, stack: TinyStack) -> None:
    stack.has("slow", "touch $1/begun; sleep 60")
    call = replace(caller, how="exec").start(stack.root, "--watch")
    wait_for(stack.mark("begun").exists, "the start of the check")

    call.process.send_signal(signal.SIGTERM)

    call.wait().assert_ended(143, "INTERRUPTED")


def test_a_run_ends_with_a_watch_that_is_killed(caller: Caller, stack: TinyStack) -> None:
    stack.has("slow", "touch $1/begun; sleep 60")
    report = stack.root / ".predeploy/latest/report.json"
    call = replace(caller, how="exec").start(stack.root, "--watch")
    wait_for(stack.mark("begun").exists, "the start of the check")

    call.process.send_signal(signal.SIGKILL)

    wait_for(report.exists, "the report of the run")
    assert json.loads(report.read_text())["exit_code"] == 143


@pytest.mark.parametrize("flag", ["--list", "--gate", "--detach", "--json-output"])
def test_watch_goes_only_with_a_run_for_people(caller: Caller, green: TinyStack, flag: str) -> None:
    ended = caller.run(green.root, flag, "--watch", "--engine", "local")

    ended.assert_ended(2, "USAGE")
    assert f"does not go with --{'watch' if flag == '--detach' else flag.strip('-')}" in ended.stderr


def test_without_the_library_the_error_says_how_to_install_it(caller: Caller, green: TinyStack, tmp_path: Path) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "watchfiles.py").write_text("raise ImportError('No module named watchfiles')\n")

    ended = replace(caller, paths=(*caller.paths, tmp_path / "absent")).run(green.root, "--watch")

    ended.assert_ended(2, "USAGE")
    assert "pip install 'predeploy[watch]'" in ended.stderr


def test_only_what_changed_is_said() -> None:
    def document(result: str, **statuses: str) -> dict[str, Any]:
        checks = [{"id": name, "status": status} for name, status in statuses.items()]
        return {"result": result, "stages": {"build": {"checks": checks}}}

    before = document("failed", a="passed", b="failed")

    assert [*changes_of(before, document("failed", a="passed", b="errored", c="passed"))] == ["b: failed -> errored"]
    assert [*changes_of(None, before)] == [*changes_of(before, None)] == []
