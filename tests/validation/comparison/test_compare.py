"""A run, compared with earlier runs: what is the same, new, fixed, the base's own, unsteady or slow."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.comparison import Weakening, WeakerGate
from tasks.models import Diagnostic, Outcome, Report, Result, Severity, Status, TestCounts
from tasks.report.document import render_document
from tasks.report.findings.fingerprints import fingerprints
from tasks.validation.comparison.against import judged
from tasks.validation.comparison.compare import CurrentRun, compare_runs, weaker_runs
from tasks.validation.comparison.earlier import EarlierRun, read_earlier
from tests.report import factories as make

MYPY, PYTEST = "mypy[apps/web]", "pytest[apps/web]"


def errors(*messages: str) -> tuple[Diagnostic, ...]:
    return tuple(make.diagnostic(message, "a.py", number) for number, message in enumerate(messages, 1))


def red(*messages: str, name: str = "mypy") -> Result:
    return make.result(name, Status.FAILED, diagnostics=errors(*messages))


def stored(runs: Path, name: str, **over: Any) -> None:
    """Stores the report of an earlier run: of all checks, unless `compared` says otherwise."""
    outcome = over.pop("outcome", Outcome.FAILED)
    whole = replace(make.report().compared, is_whole=True)
    report: Report = make.report(outcome, **{"compared": whole, **over})
    (runs / name).mkdir(parents=True)
    (runs / name / "report.json").write_text(render_document(report))


def now(results: Mapping[str, Result], **over: Any) -> CurrentRun:
    facts: dict[str, Any] = {"engine": "dagger", "tree": "now", "is_whole": True, "is_narrowed": False}
    return CurrentRun(results=results, **{**facts, **over})


def test_findings_are_counted_over_the_runs_that_had_them(tmp_path: Path) -> None:
    stored(tmp_path, "1", checks=make.checks(mypy=red("old", "stays", "goes")))
    first = make.report(Outcome.FAILED, checks=make.checks(mypy=red("stays", "goes")))
    runs = read_earlier(tmp_path)
    again = compare_runs(now({MYPY: red("stays", "goes")}), runs, None, "")
    stored(tmp_path, "2", checks=first.checks, compared=again)

    found = compare_runs(now({MYPY: red("stays", "new")}), read_earlier(tmp_path), None, "")

    stays, new = fingerprints(errors("stays", "new"))
    assert dict(found.seen) == {(MYPY, stays): 3, (MYPY, new): 1}
    assert [(each.check, each.location, each.message) for each in found.fixed] == [(MYPY, "a.py:2", "goes")]
    assert found.previous == "2"


def test_a_check_is_compared_with_the_newest_run_that_decided_on_it(tmp_path: Path) -> None:
    """A run of another check, or one that gave no verdict, says nothing about it."""
    stored(tmp_path, "1", checks=make.checks(mypy=red("stays")))
    stored(tmp_path, "2", checks=tuple(each for each in make.checks() if each.name == "pytest"))
    stored(tmp_path, "3", checks=make.checks(mypy=make.result("mypy", Status.ERRORED)))

    found = compare_runs(now({MYPY: red("stays")}), read_earlier(tmp_path), None, "")

    assert [*found.seen.values()] == [2]
    assert found.fixed == ()


@pytest.mark.parametrize("is_earlier", [True, False])
def test_a_run_of_chosen_tests_is_not_compared(tmp_path: Path, is_earlier: bool) -> None:
    compared = replace(make.report().compared, is_narrowed=is_earlier)
    stored(tmp_path, "1", checks=make.checks(pytest=red("a", "b", name="pytest")), compared=compared)

    current = now({PYTEST: make.result("pytest")}, is_narrowed=not is_earlier)
    found = compare_runs(current, read_earlier(tmp_path), None, "")

    assert (found.previous, found.fixed, found.flaky) == ("", (), {})


def test_a_check_that_is_red_on_the_base_too_is_named(tmp_path: Path) -> None:
    stored(tmp_path, "1", checks=make.checks(mypy=red("theirs")), commit="1" * 40)
    (base,) = read_earlier(tmp_path)

    found = compare_runs(now({MYPY: red("theirs", "mine"), PYTEST: red("x", name="pytest")}), (), base, "1111 (main)")

    assert found.red_on_base == (MYPY,)
    assert found.on_base == {(MYPY, fingerprints(errors("theirs"))[0])}
    assert found.base == "1111 (main)"


@pytest.mark.parametrize(("tree", "flaky"), [("now", {PYTEST: "1"}), ("other", {})])
def test_another_verdict_on_the_same_files_is_flaky(tmp_path: Path, tree: str, flaky: dict[str, str]) -> None:
    stored(tmp_path, "1", tree=tree)

    assert compare_runs(now({PYTEST: red("x", name="pytest")}), read_earlier(tmp_path), None, "").flaky == flaky


@pytest.mark.parametrize(
    ("before", "after", "tree", "flaky"),
    [
        ("k1", "k1", "other", {PYTEST: "1"}),  # another check's files were edited
        ("k1", "k2", "now", {}),  # the packages or the machine changed
        ("", "k1", "now", {PYTEST: "1"}),
        ("k1", "", "other", {}),
    ],
)
def test_a_check_with_keys_is_flaky_if_they_are_equal(
    tmp_path: Path, before: str, after: str, tree: str, flaky: dict[str, str]
) -> None:
    stored(tmp_path, "1", tree=tree, compared=replace(make.report().compared, keys={PYTEST: before}))
    current = now({PYTEST: red("x", name="pytest")}, keys={PYTEST: after})

    found = compare_runs(current, read_earlier(tmp_path), None, "")

    assert found.flaky == flaky
    assert found.keys == {PYTEST: after}


def test_a_check_is_slower_than_usual_by_the_median_of_its_runs(tmp_path: Path) -> None:
    for number, took in enumerate((4.0, 5.0, 90.0)):
        stored(tmp_path, str(number), checks=make.checks(pytest=make.result("pytest", duration=took)))
    runs = read_earlier(tmp_path)

    def slower(took: float, known: tuple[EarlierRun, ...] = runs) -> Mapping[str, float]:
        return compare_runs(now({PYTEST: make.result("pytest", duration=took)}), known, None, "").slower

    assert slower(11) == {PYTEST: 5.0}
    assert slower(9) == slower(11, runs[1:]) == {}


def test_fewer_tests_and_checks_than_in_the_last_green_run_are_named(tmp_path: Path) -> None:
    stored(tmp_path, "1", outcome=Outcome.PASSED)
    stored(tmp_path, "2", checks=make.checks(pytest=make.result("pytest", tests=TestCounts(passed=90))))
    results = {each.id: each.result for each in make.checks() if each.name != "mypy"}
    results[PYTEST] = replace(results[PYTEST], tests=TestCounts(passed=18, skipped=2))
    runs = read_earlier(tmp_path)

    assert [each.text for each in weaker_runs(now(results), runs)] == [
        f"{MYPY}: the check is not part of the stack any more (run 1 had it)",
        f"{PYTEST}: 2 skipped tests instead of 0 (run 1)",
        f"{PYTEST}: 20 tests instead of 24 (run 1)",
    ]
    assert [each.kind for each in weaker_runs(now(results, is_whole=False), runs)] == ["skipped_test", "fewer_tests"]
    assert weaker_runs(now(results, is_narrowed=True), runs) == ()


def test_reports_that_predeploy_did_not_write_are_left_out(tmp_path: Path) -> None:
    stored(tmp_path, "1")
    stored(tmp_path, "2")
    document = json.loads((tmp_path / "2" / "report.json").read_text())
    for number, text in enumerate(("{", "[]", "null", "[" * 100_000, json.dumps(document | {"stages": 1}))):
        (tmp_path / f"x{number}").mkdir()
        (tmp_path / f"x{number}" / "report.json").write_text(text)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "report.json").symlink_to(tmp_path / "1" / "report.json")
    older = {name: value for name, value in document.items() if name != "comparison"}
    (tmp_path / "2" / "report.json").write_text(json.dumps(older))

    assert [run.id for run in read_earlier(tmp_path)] == ["2", "1"]
    assert read_earlier(tmp_path / "absent") == ()


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("fails", [True, False])
def test_a_weaker_gate_is_red_only_if_the_settings_say_so(outcome: Outcome, fails: bool) -> None:
    weaker = WeakerGate(found=(Weakening(kind="configuration", text="`mypy.strict` is off"),), fails=fails)
    verdict = make.verdict(outcome)
    stronger = {Outcome.PASSED, Outcome.ERRORED, Outcome.BUDGET}

    found = judged(verdict, weaker)

    assert (found is not verdict) == (fails and outcome in stronger)
    assert found.exit_code == (1 if fails and outcome in stronger else verdict.exit_code)
    assert judged(verdict, WeakerGate(fails=True)) is verdict


def test_a_warning_of_a_failed_check_that_goes_is_not_a_fixed_error(tmp_path: Path) -> None:
    mild = make.diagnostic("mild", "a.py", 9, severity=Severity.WARNING)
    stored(tmp_path, "1", checks=make.checks(mypy=replace(red("a"), diagnostics=(*errors("a"), mild))))

    assert [each.message for each in compare_runs(now({MYPY: red()}), read_earlier(tmp_path), None, "").fixed] == ["a"]
