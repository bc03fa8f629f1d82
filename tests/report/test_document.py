"""The report for programs matches its published schema."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tasks.models import Outcome, Status
from tasks.report.document import render_document, to_document
from tests.report import factories as make
from tests.support.validate import schema


def closed(part: Any) -> Any:
    """The schema without additional properties: a key without a description is an error."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    shut = {key: closed(value) for key, value in part.items()}
    return {**shut, "additionalProperties": False} if "properties" in part else shut


STRICT = Draft202012Validator(closed(json.loads(schema())), format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_schema_is_a_schema_and_describes_each_key_as_required() -> None:
    Draft202012Validator.check_schema(json.loads(schema()))

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part:
                assert part["required"] == list(part["properties"])
            for value in part.values():
                walk(value)

    walk(json.loads(schema()))


@pytest.mark.parametrize("case", make.CASES)
def test_document_fits_the_schema(case: str) -> None:
    STRICT.validate(json.loads(render_document(make.CASES[case]())))


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("status", Status)
def test_every_outcome_with_every_status_fits_the_schema(outcome: Outcome, status: Status) -> None:
    report = make.report(outcome, checks=make.checks(mypy=make.result("mypy", status)))

    STRICT.validate(to_document(report))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("rerun"),
        lambda document: document.update(result="fine"),
        lambda document: document["stages"].pop("build"),
        lambda document: document["stages"]["quality"]["checks"][0].update(status="ok"),
        lambda document: document["counts"].update(checks=-1),
    ],
)
def test_schema_refuses_other_documents(spoil: Callable[[Any], object]) -> None:
    document: Any = to_document(make.green_full())
    spoil(document)

    assert not Draft202012Validator(json.loads(schema())).is_valid(document)


def test_readers_with_this_schema_accept_keys_of_a_later_one() -> None:
    document: Any = to_document(make.one_failed())
    document["later"] = document["engine"]["later"] = 1

    assert Draft202012Validator(json.loads(schema())).is_valid(document)
    assert not STRICT.is_valid(document)


@pytest.mark.parametrize("case", ["one_failed", "broken_settings", "green_partial", "wide"])
def test_document_matches_the_stored_one(case: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{case}.json", render_document(make.CASES[case]()))


def test_document_has_all_findings_and_counts() -> None:
    document: Any = to_document(make.one_failed())

    check = next(check for check in document["stages"]["quality"]["checks"] if check["name"] == "mypy")
    assert len(check["diagnostics"]) == 30
    assert len({diagnostic["fingerprint"] for diagnostic in check["diagnostics"]}) == 30
    assert check["duration_seconds"] == 3.142
    assert check["log"] == ".predeploy/runs/20260121-101500-7f3a/logs/mypy.log"
    assert check["tests_passed"] is None
    assert document["counts"]["failed"] == 1
    assert document["counts"]["errors"] == 30
    assert document["proof"] == {"full": False, "gaps": []}


def test_document_has_the_whole_reason_for_the_engine_and_its_summary() -> None:
    engine: Any = to_document(make.green_partial())["engine"]

    assert (engine["reason"], engine["summary"]) == (make.LOCAL, "no Dagger engine or container runtime found")


def test_document_is_valid_for_any_bytes_in_a_file_name() -> None:
    text = render_document(make.wide())

    assert text.isascii()
    json.loads(text)
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
