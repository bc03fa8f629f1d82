"""Equal findings are folded into one, with their count and places."""

import pytest

from tasks.models import Severity
from tasks.report.folding import findings, headline, repetition
from tests.diagnostics.captures import read
from tests.report.factories import diagnostic

UNUSED = [diagnostic("`os` unused", f"{name}.py", line, rule="F401") for name, line in (("a", 1), ("a", 7), ("b", 3))]


def test_equal_messages_at_different_places_are_one_finding() -> None:
    other = diagnostic("`os` unused", "c.py", 1, rule="F811")

    first, second = findings([*UNUSED, other])

    assert (first.count, [each.location for each in first.diagnostics]) == (3, ["a.py:1", "a.py:7", "b.py:3"])
    assert (second.count, second.diagnostic) == (1, other)


def test_each_place_is_named_once() -> None:
    (folded,) = findings([UNUSED[0]] * 4)

    assert (folded.count, len(folded.diagnostics), repetition(folded)) == (4, 1, "(4 times)")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, ""),
        (2, "(2 times, also at line 7)"),
        (3, "(3 times, also at line 7, b.py:3)"),
        (4, "(4 times, also at line 7, b.py:3 and 1 more place)"),
        (9, "(9 times, also at line 7, b.py:3 and 6 more places)"),
    ],
)
def test_the_first_places_are_named_and_the_others_counted(count: int, said: str) -> None:
    more = [diagnostic("`os` unused", f"c{number}.py", 1, rule="F401") for number in range(9)]

    (folded,) = findings([*UNUSED, *more][:count])

    assert repetition(folded) == said


def test_errors_are_not_folded_into_warnings_and_come_first() -> None:
    mild = diagnostic("`os` unused", "a.py", 1, rule="F401", severity=Severity.WARNING)

    assert [each.diagnostic.severity for each in findings([mild, *UNUSED])] == [Severity.ERROR, Severity.WARNING]


def test_tests_with_equal_failures_are_separate_findings() -> None:
    failed = [diagnostic("assert 1 == 2", "t.py", n, tool="pytest", rule=f"t.py::test_{n}") for n in range(3)]

    assert len(findings(failed)) == 3


def test_equal_errors_at_setup_of_several_tests_are_one_cause() -> None:
    """Also if the message contains the address of an object."""
    broken = [
        diagnostic(
            f"error at setup: RuntimeError: <Pool 0x7f00aa{n}> is closed", "conftest.py", 6, rule=f"t.py::test_{n}"
        )
        for n in range(11)
    ]

    (folded,) = findings(broken)

    assert headline(folded) == "11 errors at setup, one cause: RuntimeError: <Pool 0x7f00aa0> is closed"
    assert repetition(folded) == ""


def test_one_error_at_setup_names_its_test() -> None:
    found = findings(read("pytest/failures").diagnostics)

    heads = [headline(each) for each in found if each.diagnostic.message.startswith("error at ")]
    assert heads[0].startswith("error at setup: RuntimeError: no database")
    assert heads[0].endswith("[tests/test_a.py::test_fixture]")


def test_tests_that_fail_at_one_place_for_one_cause_are_one_finding() -> None:
    failures = [
        diagnostic(
            "FieldError: no field", file="models.py", line=14, tool="pytest", rule=f"tests/test_a.py::test_{name}"
        )
        for name in ("one", "two", "three")
    ]

    (finding,) = findings(failures)

    assert (finding.count, repetition(finding)) == (3, "(3 times)")
