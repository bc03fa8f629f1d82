"""The gate from the command line: refused flags, reported commit, and clean-up of clones."""

import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution.verdict import NO_COMPONENT
from tests.cli.caller import Caller, wait_for
from tests.cli.stack import BREAKS, FAILS, TinyStack

GATE = ("--gate", "--engine", "local")
Arrange = Callable[[TinyStack], None]


@pytest.fixture
def committed(green: TinyStack) -> TinyStack:
    """A green stack, all of it committed; its first check says where it ran."""
    green.has_site()
    green.has("where", "pwd > $1/where")
    commit(green)
    return green


def commit(stack: TinyStack) -> None:
    stack.git("add", "--all")
    stack.git("commit", "--quiet", "--message", "all of it")


def clones_of(caller: Caller) -> list[Path]:
    """Returns the remaining clones in the caller's home."""
    return [*(caller.home / ".local/share/predeploy/runs").glob("predeploy-*")]


def assert_no_clone(caller: Caller) -> None:
    """No clone is left. A gate does not wait for the process that deletes its directories."""
    wait_for(lambda: clones_of(caller) == [], "the deletion of the clone")


def test_a_gate_validates_a_clone_and_reports_in_the_stack(caller: Caller, committed: TinyStack) -> None:
    before = committed.content()

    ended = caller.run(committed.root, *GATE)

    ended.assert_ended(0, "PASSED")
    report = committed.report()
    assert (report["gate"], report["ready"], report["stack"]) == (True, True, "stack")
    assert re.fullmatch(r"[0-9a-f]{40}", report["commit"])
    assert f"gate    commit {report['commit']}, from a clean clone\n" in ended.stdout
    assert not Path(committed.mark("where").read_text().strip()).is_relative_to(committed.root)
    assert committed.content() == before
    assert_no_clone(caller)


def test_a_gate_validates_a_stack_whose_path_has_a_newline(caller: Caller, committed: TinyStack) -> None:
    root = committed.root.rename(committed.root.with_name("a\nb"))

    ended = caller.run(root, *GATE)

    ended.assert_ended(0, "PASSED")
    assert_no_clone(caller)


def test_plain_run_names_the_commit_only_if_it_has_the_same_files(caller: Caller, committed: TinyStack) -> None:
    clean = caller.run(committed.root, "--json-output", "--only", "words").document
    (committed.root / "main.py").write_text("print('changed')\n")
    changed = caller.run(committed.root, "--json-output", "--only", "words").document

    assert (clean["gate"], changed["gate"], changed["commit"]) == (False, False, None)
    assert len(clean["commit"]) == 40


def test_a_stack_without_a_component_is_no_pass(caller: Caller, green: TinyStack) -> None:
    commit(green)

    ended = caller.run(green.root, *GATE, "--json-output")

    ended.assert_ended(3, "ERRORED")
    assert ended.document["proof"]["gaps"] == [NO_COMPONENT]


def edit(stack: TinyStack) -> None:
    (stack.root / "main.py").write_text("print('changed')\n")


def add(stack: TinyStack) -> None:
    (stack.root / "new.py").write_text("print('new')\n")


def stage(stack: TinyStack) -> None:
    add(stack)
    stack.git("add", "new.py")


def delete(stack: TinyStack) -> None:
    (stack.root / "main.py").unlink()


def change_mode(stack: TinyStack) -> None:
    (stack.root / "main.py").chmod(0o755)


DIRTY: dict[str, tuple[Arrange, str]] = {
    "changed": (edit, r"1 file here differs.*: main\.py\. .*--commit HEAD"),
    "untracked": (add, r": new\.py\."),
    "staged": (stage, r": new\.py\."),
    "deleted": (delete, r": main\.py\."),
    "mode": (change_mode, r": main\.py\."),
}


@pytest.mark.parametrize(("arrange", "says"), DIRTY.values(), ids=DIRTY)
def test_gate_does_not_pass_a_tree_that_differs_from_its_commit(
    caller: Caller, committed: TinyStack, arrange: Arrange, says: str
) -> None:
    arrange(committed)

    ended = caller.run(committed.root, *GATE, "--json-output")

    ended.assert_ended(3, "ERRORED")
    assert re.search(says, ended.document["reason"]), ended.transcript
    assert not committed.mark("where").exists()
    assert caller.run(committed.root, *GATE, "--commit", "HEAD").code == 0


def test_an_earlier_commit(caller: Caller, committed: TinyStack) -> None:
    committed.has("broken", FAILS)
    commit(committed)

    assert caller.run(committed.root, *GATE).code == 1
    assert caller.run(committed.root, *GATE, "--commit", "HEAD^").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--gate"], r"--gate needs an explicit engine.*--engine dagger.*--engine local"),
        (["--gate", "--engine", "auto"], r"--gate needs an explicit engine"),
        ([*GATE, "--only", "words"], r"--gate runs all checks: leave out --only"),
        ([*GATE, "--skip", "words", "--stage", "quality"], r"leave out --stage, --skip, and stages and skip in"),
        (["--commit", "HEAD"], r"--commit goes with --gate"),
        ([*GATE, "--commit", "nowhere"], r"--commit nowhere: git does not have this commit here"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_flags_that_a_gate_refuses(caller: Caller, committed: TinyStack, arguments: list[str], says: str) -> None:
    ended = caller.run(committed.root, *arguments)

    ended.assert_ended(2, "USAGE")
    assert re.search(says, ended.stderr), ended.transcript


def test_gate_refuses_a_selection_from_a_variable_or_the_configuration(caller: Caller, committed: TinyStack) -> None:
    in_variable = replace(caller, environ={**caller.environ, "PREDEPLOY_SKIP": "words"}).run(committed.root, *GATE)
    (committed.root / "predeploy.toml").write_text('only = ["words"]\n' + "\n".join(committed.rows))
    commit(committed)
    in_file = caller.run(committed.root, *GATE)

    in_variable.assert_ended(2, "USAGE")
    in_file.assert_ended(2, "USAGE")
    assert "--skip" in in_variable.stderr
    assert "--only" in in_file.stderr


def test_gate_takes_its_settings_from_the_commit(caller: Caller, committed: TinyStack) -> None:
    """A variable can request the gate. The configuration in the commit applies, not the one in the work tree."""
    committed.has("broken", FAILS)
    environ = {**caller.environ, "PREDEPLOY_GATE": "1", "PREDEPLOY_ENGINE": "local"}

    ended = replace(caller, environ=environ).run(committed.root, "--commit", "HEAD", "--json-output")

    ended.assert_ended(0, "PASSED")
    assert ended.document["gate"]


def test_gate_without_a_commit_is_refused(caller: Caller, green: TinyStack) -> None:
    ended = caller.run(green.root, *GATE)

    ended.assert_ended(2, "USAGE")
    assert "Commit the stack first" in ended.stderr


def test_gate_reports_a_failed_or_errored_check_like_a_plain_run(caller: Caller, committed: TinyStack) -> None:
    committed.has("lame", BREAKS)
    commit(committed)
    undecided = caller.run(committed.root, *GATE)
    committed.has("broken", FAILS)
    commit(committed)

    undecided.assert_ended(3, "ERRORED")
    caller.run(committed.root, *GATE).assert_ended(1, "FAILED")


def test_list_and_plan_are_those_of_the_commit(caller: Caller, committed: TinyStack) -> None:
    committed.has("later_still")

    listed = caller.run(committed.root, *GATE, "--commit", "HEAD", "--list")

    assert listed.code == 0, listed.transcript
    assert "where" in listed.stdout
    assert "later_still" not in listed.stdout
    assert_no_clone(caller)


def test_interrupted_gate_leaves_no_clone(caller: Caller, stack: TinyStack, tmp_path: Path) -> None:
    stack.has("busy", "echo > $1/begun; exec sleep 60")
    commit(stack)
    alone = replace(caller, home=tmp_path / "own")

    call = alone.start(stack.root, *GATE)
    wait_for(stack.mark("begun").exists, "the check")
    during = clones_of(alone)
    call.press(signal.SIGINT)
    ended = call.wait()

    ended.assert_ended(130, "INTERRUPTED")
    assert during
    assert_no_clone(alone)
    assert stack.report()["gate"]


def test_a_killed_gate_is_cleared_away_by_the_next(caller: Caller, stack: TinyStack, tmp_path: Path) -> None:
    stack.has_site()
    stack.has("busy", "[ -e $1/begun ] && exit 0; echo > $1/begun; exec sleep 60")
    commit(stack)
    alone = replace(caller, home=tmp_path / "own")

    call = alone.start(stack.root, *GATE)
    wait_for(stack.mark("begun").exists, "the check")
    call.press(signal.SIGKILL)
    call.process.communicate()

    assert clones_of(alone)
    assert alone.run(stack.root, *GATE).code == 0
    assert_no_clone(alone)
