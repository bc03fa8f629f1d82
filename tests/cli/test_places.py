"""Calls from different directories: only the stack's own settings affect the result."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import ROOT, Caller
from tests.cli.stack import FAILS, TinyStack, make_stack
from tests.cli.test_outcomes import status_of


@pytest.mark.parametrize("name", ["with spaces and 'quotes'", "crème brûlée ☕", "caf\udce9 $HOME;#"], ids=ascii)
def test_unusual_directory_names(caller: Caller, tmp_path: Path, name: str) -> None:
    stack = make_stack(tmp_path / name, marks=tmp_path / "marks")
    stack.has("words")
    stack.has("broken", FAILS)
    before = stack.content()

    ended = replace(caller, cwd=stack.root.parent).run("stack", "--json-output")
    text = caller.run(stack.root)

    ended.assert_ended(1, "FAILED")
    text.assert_ended(1, "FAILED")
    assert stack.report(ended.document["run"]["id"]) == ended.document
    assert len(stack.runs) == 2
    assert stack.content() == before


def test_stack_comes_from_directory_argument_or_variable(caller: Caller, green: TinyStack) -> None:
    (green.root / "deep").mkdir()

    here = replace(caller, cwd=green.root).run("--json-output")
    above = replace(caller, cwd=green.root / "deep").run("..", "--json-output")
    by_variable = replace(caller, environ={**caller.environ, "PREDEPLOY_STACK": str(green.root)}).run("--json-output")

    for ended in (here, above, by_variable):
        ended.assert_ended(0, "PASSED")
        assert ended.document["stack"] == "stack"
    assert len(green.runs) == 3


def test_rerun_command_is_quoted_for_a_shell(caller: Caller, tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "two words")
    stack.has("broken", FAILS)

    ended = replace(caller, cwd=tmp_path).run("two words/stack", "--json-output")

    assert ended.document["rerun"] == "python -m flows.predeploy 'two words/stack' --only 'broken'"


def test_modules_of_the_stack_do_not_shadow_modules_of_predeploy(caller: Caller, green: TinyStack) -> None:
    for name in ("tasks", "json", "signal", "asyncio", "typing", "pydantic", "sitecustomize_of_a_stack"):
        (green.root / f"{name}.py").write_text("raise SystemExit('a module of the stack was imported')\n")

    replace(caller, cwd=green.root, how="exec").run().assert_ended(0, "PASSED")


def test_run_in_the_checkout_without_pythonpath(caller: Caller, green: TinyStack) -> None:
    environ = {**caller.environ, "PYTHONPATH": ""}

    listed = replace(caller, cwd=ROOT, environ=environ).run(green.root, "--list")

    assert (listed.code, listed.stderr) == (0, "")


def test_files_of_other_programs_do_not_configure_predeploy(caller: Caller, green: TinyStack) -> None:
    (green.root / ".env").write_text("PREDEPLOY_JOBS=none\nPREDEPLOY_ONLY=nothing\nNO_COLOR=\nFORCE_COLOR=1\nCI=1\n")
    (green.root / ".gitignore").write_text("ignored\n")
    (green.root.parent / "predeploy.toml").write_text("not = = toml\n")
    (green.root / "setup.cfg").write_text("[predeploy]\njobs = none\n")

    ended = replace(caller, cwd=green.root).run("--json-output")

    ended.assert_ended(0, "PASSED")
    assert set(ended.document["untracked"]) >= {".env", "main.py", "predeploy.toml"}
    assert status_of(ended.document) == {"words": "passed", "later": "passed"}


def test_two_runs_on_one_stack_are_independent(caller: Caller, green: TinyStack) -> None:
    # each run can pass only while the other one is running
    green.has("meets", "echo $$ >> $1/met; while [ $(wc -l < $1/met) -lt 2 ]; do sleep 0.05; done")
    calls = [caller.start(green.root) for _ in range(2)]

    for ended in [call.wait() for call in calls]:
        ended.assert_ended(0, "PASSED")

    assert [green.report(run)["result"] for run in green.runs] == ["passed", "passed"]
    assert str((green.root / ".predeploy/latest").readlink()) in {f"runs/{run}" for run in green.runs}
    assert green.hidden == []


def test_runs_on_two_copies_of_a_stack_are_independent(caller: Caller, tmp_path: Path) -> None:
    stacks = [make_stack(tmp_path / name, marks=tmp_path / "marks") for name in ("first", "second")]
    for stack in stacks:
        stack.has("meets", "echo $$ >> $1/met; while [ $(wc -l < $1/met) -lt 2 ]; do sleep 0.05; done")
    (stacks[1].root / "main.py").write_text("the second one")
    for stack, fine in zip(stacks, ("hello", "second"), strict=True):
        stack.has("reads", f"grep -q {fine} main.py", needs="meets")
    calls = [caller.start(stack.root) for stack in stacks]

    for ended in [call.wait() for call in calls]:
        ended.assert_ended(0, "PASSED")

    assert [len(stack.runs) for stack in stacks] == [1, 1]
