"""The conversion of results to states of Prefect."""

from dataclasses import replace

import pytest
from prefect.client.schemas.objects import StateType

from flows.recording.states import check_state, run_state, stage_state
from flows.stages import labels
from tasks.models import Diagnostic, Outcome, Proof, Result, Status, Verdict
from tests.flows.scripted import MIXED, Script, make_report, make_result

PASSED, FAILED, ERRORED, SKIPPED = (Result(check="a", status=status, reason="why") for status in Status)


def test_every_status_has_its_own_state() -> None:
    states = [check_state(result) for result in (PASSED, replace(PASSED, cached=True), FAILED, ERRORED, SKIPPED)]

    assert [(state.type, state.name) for state in states] == [
        (StateType.COMPLETED, "Completed"),
        (StateType.COMPLETED, "Cached"),
        (StateType.FAILED, "Failed"),
        (StateType.CRASHED, "NoVerdict"),
        (StateType.CANCELLED, "Skipped"),
    ]


def test_partial_proof_is_in_the_message() -> None:
    state = check_state(replace(PASSED, summary="24 passed", proof=Proof(gaps=("no image", "another Python"))))

    assert state.message == "24 passed · partial: no image; another Python"


def test_message_has_a_maximum_length() -> None:
    endless = Diagnostic(tool="mypy", message="x" * 10_000)

    assert len(check_state(replace(FAILED, diagnostics=(endless,))).message or "") < 2100


@pytest.mark.parametrize(
    ("results", "name", "message"),
    [
        ([PASSED, PASSED], "Completed", "2 passed"),
        ([PASSED, SKIPPED], "Completed", "1 passed, 1 skipped"),
        ([PASSED, replace(PASSED, cached=True), FAILED], "Failed", "1 failed, 2 passed, 1 of them cached"),
        ([SKIPPED], "Skipped", "1 skipped"),
        ([PASSED, ERRORED, SKIPPED], "NoVerdict", "1 errored, 1 passed, 1 skipped"),
        ([PASSED, ERRORED, FAILED], "Failed", "1 failed, 1 errored, 1 passed"),
    ],
)
def test_stage_has_the_state_of_its_worst_check(results: list[Result], name: str, message: str) -> None:
    state = stage_state(results)

    assert (state.name, state.message) == (name, message)


@pytest.mark.parametrize(
    ("outcome", "kind", "name"),
    [
        (Outcome.PASSED, StateType.COMPLETED, "Completed"),
        (Outcome.FAILED, StateType.FAILED, "Failed"),
        (Outcome.ERRORED, StateType.CRASHED, "NoVerdict"),
        (Outcome.BUDGET, StateType.CRASHED, "NoVerdict"),
        (Outcome.USAGE, StateType.CRASHED, "NoVerdict"),
        (Outcome.INTERRUPTED, StateType.CANCELLED, "Interrupted"),
    ],
)
def test_state_of_the_run_matches_its_verdict(outcome: Outcome, kind: StateType, name: str) -> None:
    report = make_report([MIXED[0].check], [PASSED])

    state = run_state(replace(report, verdict=Verdict(outcome=outcome, exit_code=9, reason="of this")))

    assert (state.type, state.name, state.message) == (kind, name, "1 passed: of this")


def test_message_of_a_ready_run_says_so() -> None:
    assert run_state(make_report([MIXED[0].check], [make_result(MIXED[0])])).message == "1 passed. Ready to deploy."


def test_only_a_name_that_two_components_share_has_its_component() -> None:
    scripts = [Script(name="mypy"), Script(name="ruff"), Script(name="ruff", component="b")]

    assert list(labels([script.check for script in scripts]).values()) == ["mypy", "ruff[apps/web]", "ruff[b]"]


def test_message_of_a_gate_has_the_first_gap() -> None:
    gaps = ("no image of apps/web was built", "another Python")
    report = make_report([MIXED[0].check], [make_result(MIXED[0])])
    verdict = Verdict(outcome=Outcome.ERRORED, exit_code=3, reason="not the full proof", gaps=gaps)

    message = run_state(replace(report, verdict=verdict)).message

    assert message == "1 passed: not the full proof: no image of apps/web was built"
