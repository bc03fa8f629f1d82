"""The check run of a commit: made with an app's token alone, with annotations, and no part of the verdict."""

from collections.abc import Iterator
from typing import Any

import pytest

from flows.commits.check_run import check_run_of_flow
from tasks.models import Outcome, Severity, Status
from tasks.report.formats.check_run import ANNOTATIONS, SUMMARY, check_run_document
from tests.deployments.fake_github import FakeGitHub, fake_github
from tests.report import factories as make
from tests.report.hostile import everything, flood

COMMIT = "b" * 40
GIVEN = ("acme/cafe", COMMIT)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with fake_github() as fake:
        monkeypatch.setenv("PREDEPLOY_GITHUB_API_URL", fake.url)
        yield fake


async def test_an_app_makes_a_check_run_with_annotations(github: FakeGitHub) -> None:
    given = (*GIVEN, "ghs_secret", "predeploy/cafe", "https://prefect.example/run", "stacks/cafe")

    assert await check_run_of_flow(make.one_failed(), *given) == ""

    ((path, token, body),) = github.requests
    assert (path, token) == ("/repos/acme/cafe/check-runs", "Bearer ghs_secret")
    assert (body["name"], body["head_sha"], body["conclusion"]) == ("predeploy/cafe", COMMIT, "failure")
    assert body["details_url"] == "https://prefect.example/run"
    assert body["output"]["annotations"]
    assert all(each["path"].startswith("stacks/cafe/") for each in body["output"]["annotations"])


@pytest.mark.parametrize("token", ["", "ghp_secret", "github_pat_secret"])
async def test_the_token_of_a_user_makes_none(github: FakeGitHub, token: str) -> None:
    assert await check_run_of_flow(make.one_failed(), *GIVEN, token, "predeploy/cafe", "", ".") == ""
    assert github.requests == []


async def test_a_refusal_is_a_warning(github: FakeGitHub) -> None:
    github.refusals = [(403, {}, "Resource not accessible by integration")]

    warning = await check_run_of_flow(make.one_failed(), *GIVEN, "ghs_secret", "predeploy/cafe", "", ".")

    assert warning.startswith("the check run was not made: GitHub did not accept a check run of acme/cafe (403")
    assert "`checks: write`" in warning


def output(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["output"]
    return found


@pytest.mark.parametrize("case", [*make.CASES, "everything", "flood"])
def test_each_report_fits_the_limits_of_github(case: str) -> None:
    report = {**make.CASES, "everything": everything, "flood": flood}[case]()
    document = check_run_document(report, "predeploy/cafe", COMMIT, "")
    found = output(document)

    assert (document["conclusion"] == "success") == (report.verdict.outcome is Outcome.PASSED)
    assert document["conclusion"] in {"success", "failure", "timed_out", "cancelled"}
    assert len(found["summary"]) <= SUMMARY + 100
    assert len(found["annotations"]) <= ANNOTATIONS
    assert len(found["title"]) <= 255
    for each in found["annotations"]:
        assert each["start_line"] > 0
        assert not each["path"].startswith(("/", ".."))
        assert "\x1b" not in each["message"]


def test_errors_come_before_warnings() -> None:
    found = (
        make.diagnostic("a warning", "a.py", 1, severity=Severity.WARNING),
        *(make.diagnostic(f"error {number}: {'x' * number}", "a.py", 1 + number) for number in range(60)),
    )
    failed = make.result("mypy", Status.FAILED, diagnostics=found)
    report = make.report(Outcome.FAILED, checks=make.checks(mypy=failed))

    levels = [each["annotation_level"] for each in output(check_run_document(report, "p", COMMIT, ""))["annotations"]]

    assert levels == ["failure"] * ANNOTATIONS
