"""Fingerprints: which edits of a file keep the id of a finding, and which edits change it."""

from dataclasses import replace

import pytest

from tasks.models import Diagnostic
from tasks.report.findings.fingerprints import fingerprints
from tests.report import factories as make

TIMEOUT = make.diagnostic("took 12.5 s, at most 10 s", "apps/web/views.py", 31, column=5, rule="slow")
UNUSED = tuple(
    make.diagnostic("`os` imported but unused", "a.py", line, tool="ruff", rule="F401") for line in (1, 4, 9)
)


def one(diagnostic: Diagnostic) -> str:
    (found,) = fingerprints([diagnostic])
    return found


@pytest.mark.parametrize(
    ("edit", "is_same"),
    [
        pytest.param({"line": 40, "column": 9}, True, id="the line moves"),
        pytest.param({"message": "took 3 s, at most 10 s"}, True, id="a number in the message changes"),
        pytest.param({"message": "took 12.5 s,\n  at most 10 s"}, True, id="the message is wrapped"),
        pytest.param({"fix": "raise the limit"}, True, id="the tool offers a fix"),
        pytest.param({"file": "apps/web/pages.py"}, False, id="the file is renamed"),
        pytest.param({"message": "took 12.5 s, at most 10 min"}, False, id="a word of the message changes"),
        pytest.param({"rule": "slower"}, False, id="the rule changes"),
        pytest.param({"tool": "ruff"}, False, id="another tool finds it"),
    ],
)
def test_edit_keeps_or_changes_the_fingerprint(edit: dict[str, object], is_same: bool) -> None:
    assert (one(replace(TIMEOUT, **edit)) == one(TIMEOUT)) is is_same  # type: ignore[arg-type]


@pytest.mark.parametrize("fixed", range(3))
def test_one_of_three_equal_findings_is_fixed(fixed: int) -> None:
    before = fingerprints(UNUSED)
    after = fingerprints([each for place, each in enumerate(UNUSED) if place != fixed])

    assert len(set(before)) == 3
    assert set(after) == set(before[:2])


def test_order_of_a_tool_does_not_matter() -> None:
    assert fingerprints(UNUSED[::-1]) == fingerprints(UNUSED)[::-1]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("no such column in 0003_menu.py", "no such column in 0004_menu.py", False),
        ("test_2 failed", "test_3 failed", False),
        ("expected 3 arguments, got 4", "expected 1 arguments, got 2", True),
        ("process 4711 ended after 0:00:07", "process 12 ended after 0:01:09", True),
        ("job 0b8c5d2e-7a51-4a6e-9d0f-6f0d8f1b2c3d failed", "job 1b8c5d2e-7a51-4a6e-9d0f-6f0d8f1b2c3a failed", True),
        ("layer 9f86d081884c is absent", "layer 2c26b46b68ff is absent", True),
        ("deadbeefcafe is undefined", "feedbeefcafe is undefined", False),
    ],
)
def test_numbers_are_ignored_and_names_are_not(first: str, second: str, is_same: bool) -> None:
    assert (one(make.diagnostic(first, "a.py", 1)) == one(make.diagnostic(second, "a.py", 1))) is is_same
