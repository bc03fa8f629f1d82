"""The causes of a report: each error belongs to one, whatever check has found it."""

from typing import Any

import pytest

from tasks.models import Outcome, Status
from tasks.report.document import to_document
from tasks.report.ranking import causes_of, numbers
from tests.report import factories as make


def diagnostics_of(document: Any) -> list[dict[str, Any]]:
    stages = document["stages"].values()
    return [each for stage in stages for check in stage["checks"] for each in check["diagnostics"]]


@pytest.mark.parametrize("case", make.CASES)
def test_each_error_has_one_cause(case: str) -> None:
    document: Any = to_document(make.CASES[case]())

    errors = [each for each in diagnostics_of(document) if each["severity"] == "error"]
    counted = [sum(each["cause"] == number for each in errors) for number, _ in enumerate(document["causes"])]

    assert [cause["errors"] for cause in document["causes"]] == counted
    assert sum(counted) == len(errors) == document["counts"]["errors"]


def test_findings_of_four_tools_are_one_cause() -> None:
    document: Any = to_document(make.broken_settings())

    first = document["causes"][0]
    assert first["location"] == "apps/web/config/settings.py:41:18"
    assert first["checks"] == ["django_container[apps/web]", "ruff_check[apps/web]", "mypy[apps/web]"]
    assert (first["errors"], first["blocked"]) == (3, 3)


def test_number_of_errors_stands_next_to_that_of_causes() -> None:
    assert numbers(make.one_cause()) == "9 checks: 2 failed. 20 errors, 3 causes."
    assert numbers(make.errored()) == "9 checks: 2 without a verdict, 1 skipped. No check found a fault in the code."


def test_causes_of_ten_thousand_errors_are_found_in_one_pass() -> None:
    """Each of them is compared by its key, not with each other one."""
    many = tuple(make.diagnostic(f"name n{number} is unknown", "a.py", number + 1) for number in range(10_000))
    report = make.report(Outcome.FAILED, checks=make.checks(mypy=make.result("mypy", Status.FAILED, diagnostics=many)))

    assert len(causes_of(report)) == 10_000
