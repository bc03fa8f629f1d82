"""The last line of every run."""

import pytest

from tasks.models import EngineFacts, Outcome
from tasks.report.last_line import last_line, last_line_of
from tests.report import factories as make

PATH = ".predeploy/runs/20260121-101500-7f3a/report.json"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("green_full", "PASSED exit=0 checks=9 failed=0 errored=0 skipped=0 cached=0 seconds=9.3 engine=dagger"),
        ("green_partial", "PASSED exit=0 checks=9 failed=0 errored=0 skipped=0 cached=3 seconds=9.3 engine=local"),
        ("broken_settings", "FAILED exit=1 checks=9 failed=4 errored=1 skipped=3 cached=0 seconds=9.3 engine=dagger"),
        ("errored", "ERRORED exit=3 checks=9 failed=0 errored=2 skipped=1 cached=0 seconds=9.3 engine=dagger"),
        (
            "interrupted",
            "INTERRUPTED exit=130 checks=9 failed=0 errored=0 skipped=4 cached=0 seconds=9.3 engine=dagger",
        ),
        ("budget", "BUDGET exit=124 checks=9 failed=0 errored=0 skipped=1 cached=0 seconds=60.2 engine=dagger"),
    ],
)
def test_line_of_a_report(case: str, expected: str) -> None:
    assert last_line_of(make.CASES[case]()) == f"PREDEPLOY {expected} report={PATH}"


def test_line_without_a_report() -> None:
    line = last_line(Outcome.USAGE, 2)

    assert line == (
        "PREDEPLOY USAGE exit=2 checks=0 failed=0 errored=0 skipped=0 cached=0 seconds=0.0 engine=- report=-"
    )
    assert last_line_of(make.usage()).endswith(" engine=dagger report=-")


def test_line_stays_one_line_of_words() -> None:
    odd = make.report(engine=EngineFacts(name="a b\nc", version="1", reason=""), directory='/Users/x/Application "S"')

    line = last_line_of(odd)

    assert line.count("\n") == 0
    assert line.endswith(r' engine="a b\nc" report="/Users/x/Application \"S\"/report.json"')
