"""`--trace FILE`: the parts of a run follow each other, and each check has its phases."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.cli.caller import Caller
from tests.cli.stack import TinyStack

PARTS = (
    "start-up receipt imports settings tree discovery plan secrets imports engine keys checks verdict close recording"
)


def events_of(path: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return events


def test_trace_has_each_part_of_the_run_and_each_phase_of_a_check(caller: Caller, green: TinyStack) -> None:
    ended = caller.run(green.root, "--engine", "local", "--trace", "trace.json")

    ended.assert_ended(0, "PASSED")
    events = events_of(caller.cwd / "trace.json")
    (check,) = (each for each in events if each["cat"] == "quality")
    phases = [each for each in events if each.get("args", {}).get("check") == check["args"]["check"]]
    assert [each["cat"] for each in phases] == ["quality", "command"]
    assert all(each["tid"] == check["tid"] for each in phases)
    parts = [each for each in events if each["cat"] == "part"]
    assert [each["name"] for each in parts] == [*PARTS.split(), "report"]
    ends = [each["ts"] + each["dur"] for each in parts]
    assert all(end <= after["ts"] + 1 for end, after in zip(ends, parts[1:], strict=False))  # rounded to microseconds
    # the one in the report's directory ends before it is written
    own = [each for each in events_of(green.root / ".predeploy/latest/trace.json") if each["cat"] == "part"]
    assert own == parts[:-1]


def test_a_command_with_a_trace_has_no_receipt(caller: Caller, green: TinyStack) -> None:
    traced = replace(caller, environ={**caller.environ, "PREDEPLOY_TRACE": str(caller.cwd / "trace.json")})
    for _ in range(2):
        traced.run(green.root, "--engine", "local").assert_ended(0, "PASSED")
        (caller.cwd / "trace.json").unlink()


def test_a_trace_that_cannot_be_written_changes_no_verdict(caller: Caller, green: TinyStack) -> None:
    ended = caller.run(green.root, "--engine", "local", "--trace", "no/such/trace.json")

    ended.assert_ended(0, "PASSED")
    assert "the trace was not written to" in ended.stderr
