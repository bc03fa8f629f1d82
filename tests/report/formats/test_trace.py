"""The trace of a run has each part of it, the phases of checks in their rows, and work beside the checks below."""

import json
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import pytest

from tasks.models import Outcome, Report
from tasks.report.formats.trace import render_trace
from tasks.report.parts import BACKGROUND, CHECKS, COMMAND, MAIN, RunPart, RunParts, begin_parts, note_part, part
from tests.report import factories as make


def part_of(name: str, started: float, ended: float, kind: str = MAIN, check: str = "") -> RunPart:
    return RunPart(name=name, kind=kind, started=started, ended=ended, check=check)


def traced(report: Report, parts: RunParts | None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(render_trace(report, parts))["traceEvents"]
    return events


def two_checks() -> Report:
    first, second, *_ = make.checks()
    results = [replace(each.result, started=at, duration=2.0) for each, at in ((first, 0.0), (second, 1.0))]
    ran = (replace(first, result=results[0]), replace(second, result=results[1]))
    return make.report(Outcome.PASSED, checks=ran)


def test_times_are_those_since_the_start_of_the_process() -> None:
    parts = RunParts(zero=100.0, ended=[part_of("start-up", 100.0, 100.5), part_of(CHECKS, 103.0, 106.0)])

    run, first, second, start_up, checks = traced(two_checks(), parts)

    assert run["ts"] == 0
    assert [(each["name"], each["ts"], each["dur"], each["tid"]) for each in (start_up, checks)] == [
        ("start-up", 0, 500_000, 0),
        ("checks", 3_000_000, 3_000_000, 0),
    ]
    assert [(each["ts"], each["tid"]) for each in (first, second)] == [(3_000_000, 1), (4_000_000, 2)]


def test_phases_are_in_the_row_of_their_check_and_other_work_is_below_all_checks() -> None:
    report = two_checks()
    ids = [check.id for check in report.checks]
    listed = [
        part_of(CHECKS, 0.0, 9.0),
        part_of("packages", 0.0, 2.0, BACKGROUND),
        part_of("database", 1.0, 3.0, BACKGROUND),
        part_of("ruff", 1.0, 3.0, COMMAND, ids[1]),
        part_of("skipped", 1.0, 3.0, COMMAND, "no-such-check"),
    ]

    events = {each["name"]: each for each in traced(report, RunParts(zero=0.0, ended=listed))}

    assert (events["ruff"]["tid"], events["ruff"]["args"]) == (2, {"check": ids[1]})
    assert (events["packages"]["tid"], events["database"]["tid"]) == (3, 4)
    assert "skipped" not in events


def test_a_part_is_noted_also_if_it_raises() -> None:
    def work() -> RunParts:
        parts = begin_parts(0.0)
        with pytest.raises(KeyError), part("broken"):
            raise KeyError
        note_part("late", parts.ended[-1].ended)
        return parts

    with part("outside of a run"):  # nothing is noted, and nothing fails
        parts = copy_context().run(work)

    assert [each.name for each in parts.ended] == ["start-up", "broken", "late"]
    assert all(before.ended <= after.started for before, after in zip(parts.ended, parts.ended[1:], strict=False))
