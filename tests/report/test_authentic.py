"""A report that predeploy did not write: `status` believes none of it."""

import json
from typing import Any

import pytest

from tasks.models import Outcome
from tasks.report.authentic import EXIT_CODES, foreign_part
from tasks.report.document import to_document
from tests.report.factories import report


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(to_document(report())))
    for name, value in changes.items():
        inner = made
        *above, last = name.split("__")
        for part in above:
            inner = inner[part]
        inner[last] = value
    return made


def test_report_of_predeploy_is_believed() -> None:
    assert foreign_part(document()) == ""
    assert foreign_part(document(commit=None, rerun=None, reason="two\nlines")) == ""
    assert set(EXIT_CODES) == set(Outcome)


@pytest.mark.parametrize("whole", [None, [], "text", 3, True])
def test_another_document_is_no_report(whole: object) -> None:
    assert foreign_part(whole) == "the document"


WRONG: list[tuple[str, Any]] = [
    ("result", "ready"),
    ("result", ["passed"]),
    ("exit_code", 1),
    ("exit_code", "1"),
    ("exit_code", True),
    ("exit_code", 1.0),
    ("exit_code", 10**30),
    ("counts__failed", 10**12),
    ("counts__checks", -1),
    ("counts__cached", 2.5),
    ("counts", None),
    ("duration_seconds", float("inf")),
    ("duration_seconds", float("nan")),
    ("duration_seconds", 1e300),
    ("duration_seconds", "3"),
    ("started_at", "\x1b]0;title\x07"),
    ("started_at", 20200101),
    ("stack", "\x1b[2J"),
    ("stack", {"a": 1}),
    ("reason", "\u202eneerg"),
    ("reason", "x" * 2_000_000),
    ("engine__name", "local\x1b[31m"),
    ("engine", "local"),
    ("commit", 5),
    ("rerun", "a\x00b"),
    ("gate", "no"),
    ("ready", 1),
    ("proof__gaps", "all"),
    ("proof__gaps", ["\x9b31m"]),
    ("proof", []),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_part_that_predeploy_does_not_write_is_named(name: str, value: Any) -> None:
    found = foreign_part(document(**{name: value}))

    assert found.startswith(name.split("__", maxsplit=1)[0])
