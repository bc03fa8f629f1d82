"""The text for coding agents: its size, and what it never leaves out."""

from collections.abc import Callable

import pytest

from tasks.models import Outcome, Proof, Report, Status
from tasks.report.agent import LONGEST, render_agent
from tasks.report.board import Board, PlannedChecks
from tasks.report.style import Style
from tests.report import factories as make
from tests.report.hostile import everything, flood

LONG = "a long explanation "


def many_red() -> Report:
    """Each check has many long findings, with fixes."""
    found = tuple(
        make.diagnostic(f"{LONG * 20}{number}", f"apps/web/{'deep/' * 20}m.py", number + 1, fix="x " * 200)
        for number in range(500)
    )
    red = {name: make.result(name, Status.FAILED, diagnostics=found) for name, *_ in make.CATALOGUE}
    return make.report(Outcome.FAILED, checks=make.checks(**red), rerun="predeploy " + "--only a_long_name " * 20)


def noisy_green() -> Report:
    """A pass with many gaps and warnings."""
    gaps = tuple(f"gap {number}: {'no image was built ' * 20}" for number in range(100))
    checks = make.checks(mypy=make.result("mypy", proof=Proof(gaps=gaps)))
    return make.report(checks=checks, verdict=make.verdict(ready=False, gaps=gaps), warnings=gaps)


def many_errored() -> Report:
    """More checks without a verdict than fit, each with its own reason."""
    (check, *_) = make.checks()
    checks = tuple(
        make.replaced(check, number, f"{'the registry does not answer ' * 10}{number}") for number in range(300)
    )
    return make.report(Outcome.ERRORED, checks=checks, rerun="predeploy --only many")


CASES: dict[str, Callable[[], Report]] = {
    **make.CASES,
    **{case.__name__: case for case in (everything, flood, many_red, noisy_green, many_errored)},
}


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_text_is_short(case: str, unicode: bool) -> None:
    report = CASES[case]()
    text = render_agent(report, "CI is set", Style(unicode=unicode))

    assert len(text.encode()) <= LONGEST[report.verdict.outcome is Outcome.PASSED]


@pytest.mark.parametrize("case", ["many_red", "many_errored", "flood"])
def test_long_report_keeps_the_verdict_and_the_next_step(case: str) -> None:
    report = CASES[case]()
    lines = render_agent(report, "CI is set").splitlines()

    assert lines[1].startswith(f"{report.verdict.outcome.upper()} in 9.3s: ")
    assert any(line.startswith("fix first: ") for line in lines)
    assert lines[-1].startswith("rerun: predeploy ")
    assert f"{report.directory}/report." in "\n".join(lines)


def test_every_red_check_is_named_in_a_long_report() -> None:
    report = many_red()
    text = render_agent(report, "CI is set")

    assert [check.id for check in report.checks if check.id not in text] == []


def test_failed_test_has_its_own_command_and_finding_its_fix() -> None:
    lines = render_agent(everything(), "CI is set").splitlines()

    assert "  one test again: predeploy --only pytest -- t.py::test_0" in lines
    assert any(line.endswith("(2 times, also at line 9) (fix: ruff check --fix)") for line in lines)


def test_sign_of_life_says_how_long_a_check_usually_takes() -> None:
    board = Board(planned=PlannedChecks(titles={"a": "mypy", "b": "ruff"}, usual={"a": 40.0, "b": 0.4}))
    board.start("a", 0)
    board.start("b", 20)

    assert board.ages(25) == ["mypy 25s (usually 40s)", "ruff 5s"]
