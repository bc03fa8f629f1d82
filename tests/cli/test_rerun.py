"""`predeploy rerun` repeats what was red; words after `--` choose tests."""

import pytest

from flows.cli.actions.rerun import unfinished
from flows.cli.arguments import parse_arguments, split_words
from tasks.errors import UsageError
from tests.cli.caller import Caller
from tests.cli.stack import FAILS, TinyStack


def test_rerun_runs_the_red_checks_alone(caller: Caller, stack: TinyStack) -> None:
    stack.has("good", "echo >> $1/good")
    stack.has("bad", f"echo >> $1/bad; {FAILS}")
    stack.has("later", "echo >> $1/later", needs="bad")
    caller.run(stack.root)

    again = caller.run("rerun", stack.root, "--json-output")

    assert again.code == 1
    assert (stack.mark("good").read_text(), stack.mark("bad").read_text()) == ("\n", "\n\n")
    assert [check["name"] for check in again.document["stages"]["quality"]["checks"]] == ["bad", "later"]


def test_rerun_without_a_red_check_is_a_usage_error(caller: Caller, green: TinyStack) -> None:
    caller.run(green.root)

    ended = caller.run("rerun", green.root)

    ended.assert_ended(2, "USAGE")
    assert "has no red check" in ended.stderr


def test_words_for_a_check_without_tests_are_a_usage_error(caller: Caller, green: TinyStack) -> None:
    ended = caller.run(green.root, "--", "--json-output", "--help")

    ended.assert_ended(2, "USAGE")
    assert "words after -- need one check" in ended.stderr


def test_red_checks_and_those_that_never_ran_are_unfinished() -> None:
    checks = [
        {"id": "a", "status": "passed", "reason_code": ""},
        {"id": "b", "status": "skipped", "reason_code": "budget"},
        {"id": "c", "status": "failed", "reason_code": "findings"},
        {"id": "d", "status": "errored", "reason_code": "registry"},
        {"id": "e", "status": "skipped", "reason_code": "no_base"},
    ]

    assert unfinished({"stages": {"build": {"checks": checks}}}) == ["c", "d", "b"]


def test_words_are_separated_from_flags() -> None:
    given = parse_arguments(["stack", "--only", "pytest", "--", "-k", "a or b", "--", "--debug"], "predeploy")

    assert given.words == ("-k", "a or b", "--", "--debug")
    assert given.options == {"stack": "stack", "only": ["pytest"]}
    assert split_words(["--debug"]) == (["--debug"], ())


def test_subcommands_take_no_words() -> None:
    with pytest.raises(UsageError, match="status takes no words after --"):
        parse_arguments(["status", "--", "x"], "predeploy")
