"""What the process says without any module of predeploy: it must be what the modules would say."""

import gc

import pytest
from pydantic import TypeAdapter, ValidationError

from flows.cli.process import without_collector
from flows.cli.signals import bare_document, is_json_wanted
from tasks.models import EngineFacts, Outcome, Report, RunFacts, Verdict
from tasks.report.document import to_document


def test_the_bare_document_is_the_document_of_a_report_without_checks() -> None:
    document = bare_document("interrupted", 130, "interrupted by SIGINT", 1.5)

    report = Report(
        verdict=Verdict(outcome=Outcome.INTERRUPTED, exit_code=130, reason="interrupted by SIGINT"),
        checks=(),
        engine=EngineFacts(name="", version="", reason=""),
        run=RunFacts(id=""),
        stack="",
        tree="",
        directory="",
        started_at=document["started_at"],
        duration=1.5,
    )
    assert document == to_document(report)
    assert list(document) == list(to_document(report))


@pytest.mark.parametrize(
    "word", ["1", "true", "TRUE", "t", "yes", "Y", "on", "0", "false", "f", "no", "n", "off", "2", ""]
)
def test_a_word_asks_for_the_document_if_the_setting_accepts_it_as_true(word: str) -> None:
    try:
        accepted = TypeAdapter(bool).validate_python(word)
    except ValidationError:
        accepted = False

    assert is_json_wanted([], word) == accepted


def test_the_garbage_collector_waits_for_imports_and_starts_again_after_an_error() -> None:
    def fail() -> None:
        with without_collector():
            assert not gc.isenabled()
            raise ImportError

    with pytest.raises(ImportError):
        fail()

    assert gc.isenabled()
