"""The command that repeats one failed test."""

import shlex
from dataclasses import replace

import pytest

from tasks.models import CheckReport, Severity, Status
from tasks.report.findings.rerun import rerun_of, selecting_words
from tests.report import factories as make


def check_of(status: Status = Status.FAILED) -> CheckReport:
    return next(each for each in make.checks(pytest=make.result("pytest", status)) if each.name == "pytest")


@pytest.mark.parametrize(
    ("tool", "rule", "words"),
    [
        ("pytest", "tests/test_a.py::TestA::test_b[x y-1]", ("tests/test_a.py::TestA::test_b[x y-1]",)),
        ("pytest", "collection", ()),
        ("pytest", "usage", ()),
        ("django", "shop.tests.MenuTests.test_price", ("shop.tests.MenuTests.test_price",)),
        ("django", "security.W004", ()),
        ("django", "collection", ()),
        ("vitest", "menu has a price (1.5 €)", ("-t", r"^menu has a price \(1\.5 €\)$")),
        ("vitest", "suite", ()),
        ("vitest", "TypeError", ()),
        ("vitest", "ERR_MODULE_NOT_FOUND", ()),
        ("mypy", "arg-type", ()),
        ("ruff", None, ()),
    ],
)
def test_words_select_one_test(tool: str, rule: str | None, words: tuple[str, ...]) -> None:
    assert selecting_words(make.diagnostic("failed", "a.py", 1, tool=tool, rule=rule)) == words


def test_command_has_the_check_and_the_quoted_test() -> None:
    failed = make.diagnostic("failed", "a.py", 1, tool="pytest", rule="a.py::test_b[it's; rm -rf /]")

    command = rerun_of(check_of(), failed)

    assert shlex.split(command) == ["predeploy", "--only", "pytest", "--", "a.py::test_b[it's; rm -rf /]"]


def test_no_command_where_nothing_would_be_repeated() -> None:
    failed = make.diagnostic("failed", "a.py", 1, tool="pytest", rule="a.py::test_b")

    assert rerun_of(check_of(Status.PASSED), failed) == ""
    assert rerun_of(check_of(), replace(failed, severity=Severity.WARNING)) == ""
    assert rerun_of(replace(check_of(), has_tests=False), failed) == ""
    assert rerun_of(replace(check_of(), rerun=""), failed) == ""
