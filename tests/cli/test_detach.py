"""`--detach` returns at once, and `status --wait` waits for the verdict of the run in progress."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import Caller, Ended, wait_for
from tests.cli.stack import FAILS, TinyStack

WAITS = "touch $1/begun; while [ ! -e $1/go ]; do sleep 0.05; done"


@pytest.fixture
def slow(stack: TinyStack) -> Iterator[TinyStack]:
    """A stack whose check waits for a file. Afterwards no run of it is left."""
    stack.has("slow", WAITS)
    yield stack
    stack.mark("go").touch()


def detached(caller: Caller, *arguments: str | Path) -> Ended:
    ended = caller.run(*arguments, "--detach")
    assert ended.code == 0, ended.transcript
    assert ended.stdout.startswith("PREDEPLOY DETACHED pid=")
    return ended


def test_detached_run_is_followed_to_its_verdict(caller: Caller, slow: TinyStack) -> None:
    slow.has("bad", FAILS)
    caller = replace(caller, environ={**caller.environ, "DOPPLER_TOKEN": "dp.st.prd.c4n4ry"}, how="fork")
    detached(caller, slow.root)
    wait_for(slow.mark("begun").exists, "the start of the check")
    following = caller.start("status", slow.root, "--wait")
    assert slow.runs == []

    slow.mark("go").touch()
    ended = following.wait()

    ended.assert_ended(1, "FAILED")
    assert "RESULT: FAILED" in ended.stdout
    assert slow.report()["counts"]["failed"] == 1
    as_json = caller.run("status", slow.root, "--wait", "--json-output")
    assert (as_json.code, json.loads(as_json.stdout)) == (1, slow.report())


def test_detached_run_without_a_report_does_not_show_an_older_verdict(caller: Caller, green: TinyStack) -> None:
    caller.run(green.root).assert_ended(0, "PASSED")
    detached(caller, green.root, "--only", "absent")

    ended = caller.run("status", green.root, "--wait")
    as_json = caller.run("status", green.root, "--wait", "--json-output")

    ended.assert_ended(2, "USAGE")
    assert "no check is named absent" in ended.stdout
    document = json.loads(as_json.stdout)
    assert (as_json.code, document["exit_code"], document["result"]) == (2, 2, "usage")
    assert "absent" in document["reason"]


def test_wait_for_a_run_that_is_not_detached(caller: Caller, slow: TinyStack) -> None:
    running = caller.start(slow.root)
    wait_for(slow.mark("begun").exists, "the start of the check")
    following = caller.start("status", slow.root, "--wait")
    slow.mark("go").touch()

    following.wait().assert_ended(0, "PASSED")
    running.wait().assert_ended(0, "PASSED")


@pytest.mark.parametrize("flag", ["--plan", "--list", "--gate"])
def test_detach_goes_only_with_a_run_whose_verdict_is_not_the_exit_code(
    caller: Caller, green: TinyStack, flag: str
) -> None:
    ended = caller.run(green.root, "--detach", flag, "--engine", "local")

    ended.assert_ended(2, "USAGE")
    assert f"--detach does not go with {flag}" in ended.stderr
