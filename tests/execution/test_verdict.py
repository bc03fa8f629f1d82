"""What results add up to: the table of exit codes."""

import pytest

from tasks.execution.verdict import NO_COMPONENT, NOT_FULL, gaps_of, give_verdict
from tasks.models import Outcome, Proof, Result, Status

STATUSES = {"p": Status.PASSED, "f": Status.FAILED, "e": Status.ERRORED, "s": Status.SKIPPED}
TABLE = [
    # results, why it stopped early, outcome, exit code
    ("ppp", "", Outcome.PASSED, 0),
    ("p", "", Outcome.PASSED, 0),
    ("pps", "", Outcome.PASSED, 0),
    ("pf", "", Outcome.FAILED, 1),
    ("fs", "", Outcome.FAILED, 1),
    ("pfe", "", Outcome.FAILED, 1),
    ("pe", "", Outcome.ERRORED, 3),
    ("es", "", Outcome.ERRORED, 3),
    ("ss", "", Outcome.ERRORED, 3),
    ("", "", Outcome.ERRORED, 3),
    ("pes", "budget", Outcome.BUDGET, 124),
    ("ps", "budget", Outcome.BUDGET, 124),
    ("pfs", "budget", Outcome.FAILED, 1),
    ("ppp", "interrupted", Outcome.INTERRUPTED, 130),
    ("pfe", "interrupted", Outcome.INTERRUPTED, 130),
    ("", "interrupted", Outcome.INTERRUPTED, 130),
    ("pfe", "terminated", Outcome.INTERRUPTED, 143),
    ("fss", "fail_fast", Outcome.FAILED, 1),
    ("ess", "fail_fast", Outcome.ERRORED, 3),
]


def make_results(letters: str) -> list[Result]:
    return [
        Result(check=f"check{number}", status=STATUSES[letter], reason=f"reason {number}")
        for number, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(("letters", "ended", "outcome", "exit_code"), TABLE)
def test_exit_code(letters: str, ended: str, outcome: Outcome, exit_code: int) -> None:
    stopped = (ended, "it was stopped") if ended else None

    verdict = give_verdict(make_results(letters), whole=True, ended=stopped)

    assert (verdict.outcome, verdict.exit_code) == (outcome, exit_code)
    assert verdict.ready == (letters in {"ppp", "p"} and not ended)


def test_order_of_results_does_not_matter() -> None:
    results = make_results("pfes")

    assert give_verdict(results, whole=True) == give_verdict(results[::-1], whole=True)


def test_check_that_is_skipped_for_its_needs_prevents_a_pass() -> None:
    blocked = Result(check="health", status=Status.SKIPPED, reason_code="needs", reason="needs migrate")

    verdict = give_verdict([*make_results("pp"), blocked], whole=True)

    assert (verdict.exit_code, verdict.reason) == (3, "needs migrate")


def test_ready_needs_the_whole_catalogue_with_full_proof() -> None:
    partial = Result(check="image", status=Status.PASSED, proof=Proof(gaps=("no image was built",)))

    assert give_verdict(make_results("pp"), whole=True).ready
    assert not give_verdict(make_results("pp"), whole=False).ready
    assert not give_verdict(make_results("ps"), whole=True).ready
    verdict = give_verdict([*make_results("p"), partial], whole=True)
    assert not verdict.ready
    assert verdict.exit_code == 0
    assert verdict.gaps == ("no image was built",)


def test_check_with_a_skip_reason_prevents_full_proof_but_not_a_pass() -> None:
    proof = Proof(gaps=("no upgrade was tried: there is no commit before this one",))
    hindered = Result(check="upgrade", status=Status.SKIPPED, reason_code="no_base", reason="no upgrade", proof=proof)

    verdict = give_verdict([*make_results("pp"), hindered], whole=True)

    assert (verdict.outcome, verdict.exit_code, verdict.ready) == (Outcome.PASSED, 0, False)
    assert verdict.gaps == proof.gaps
    assert give_verdict([*make_results("pf"), hindered], whole=True).exit_code == 1
    assert give_verdict([hindered], whole=False).exit_code == 3


def test_gaps_are_unique_and_in_the_order_of_results() -> None:
    gaps = [("no image", "Python 3.12 instead of 3.13"), (), ("no upgrade", "no image")]
    results = [Result(check="check", status=Status.PASSED, proof=Proof(gaps=each)) for each in gaps]

    assert gaps_of(results) == ("no image", "Python 3.12 instead of 3.13", "no upgrade")


def test_reason_is_that_of_the_first_errored_check() -> None:
    assert give_verdict(make_results("pee"), whole=True).reason == "reason 1"
    assert give_verdict(make_results("ss"), whole=True).reason == "no check passed"


def test_reason_is_never_that_of_a_check_skipped_for_its_needs() -> None:
    blocked = Result(check="health", status=Status.SKIPPED, reason_code="needs", reason="needs migrate")

    assert give_verdict([blocked, *make_results("pe")], whole=True).reason == "reason 1"


PASSED = Result(check="mypy", status=Status.PASSED)
GAP = Proof(gaps=("no image was built",))
NOT_TRIED = Result(check="upgrade", status=Status.SKIPPED, reason_code="no_base", reason="no base", proof=GAP)
SHORT = {
    "a gap in the proof": (Result(check="image", status=Status.PASSED, proof=GAP), ("no image was built",)),
    "a check that could not be tried": (NOT_TRIED, ("no image was built",)),
    "a check without its means": (
        Result(check="secrets", status=Status.SKIPPED, reason="no token"),
        ("secrets was skipped: no token",),
    ),
    "a check without a reason": (
        Result(check="secrets", status=Status.SKIPPED),
        ("secrets was skipped: no reason was given",),
    ),
    "a result of an earlier run": (
        Result(check="ruff", status=Status.PASSED, cached=True),
        ("ruff did not run: its result is from an earlier run",),
    ),
}


@pytest.mark.parametrize(("result", "reasons"), SHORT.values(), ids=SHORT)
def test_a_gate_is_red_for_less_than_full_proof(result: Result, reasons: tuple[str, ...]) -> None:
    verdict = give_verdict([PASSED, result], whole=True, gate=True)

    assert (verdict.outcome, verdict.exit_code, verdict.ready) == (Outcome.ERRORED, 3, False)
    assert (verdict.reason, verdict.gaps) == (NOT_FULL, reasons)
    assert give_verdict([PASSED, result], whole=True).exit_code == 0


def test_a_gate_requires_the_whole_catalogue_and_reports_every_gap() -> None:
    results = [PASSED, *(result for result, _ in SHORT.values())]

    verdict = give_verdict(results, whole=False, gate=True)

    assert verdict.gaps[0] == "only chosen checks ran (--stage, --only or --skip)"
    assert {*verdict.gaps[1:]} == {reason for _, reasons in SHORT.values() for reason in reasons}


@pytest.mark.parametrize(("letters", "ended", "outcome", "exit_code"), TABLE)
def test_a_gate_changes_no_other_exit_code(letters: str, ended: str, outcome: Outcome, exit_code: int) -> None:
    stopped = (ended, "it was stopped") if ended else None

    verdict = give_verdict(make_results(letters), whole=True, ended=stopped, gate=True)

    if (letters, ended) == ("pps", ""):
        outcome, exit_code = Outcome.ERRORED, 3
    assert (verdict.outcome, verdict.exit_code) == (outcome, exit_code)
    assert verdict.ready == (exit_code == 0)


def test_a_stack_without_a_component_is_never_ready() -> None:
    verdict = give_verdict(make_results("pp"), whole=True, has_component=False)

    assert (verdict.outcome, verdict.exit_code) == (Outcome.PASSED, 0)
    assert (verdict.ready, verdict.gaps) == (False, (NO_COMPONENT,))
    assert give_verdict(make_results("pf"), whole=True, has_component=False).exit_code == 1


def test_a_gate_is_no_pass_for_a_stack_without_a_component() -> None:
    verdict = give_verdict(make_results("pp"), whole=True, gate=True, has_component=False)

    assert (verdict.outcome, verdict.exit_code, verdict.gaps) == (Outcome.ERRORED, 3, (NO_COMPONENT,))
