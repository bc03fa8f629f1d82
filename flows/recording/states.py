"""Converts results to states of Prefect, with names and messages for people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefect.client.schemas.objects import State, StateType
from prefect.states import Completed, Failed

from tasks.models import Diagnostic, Outcome, Report, Result, Status, worst
from tasks.redaction.gate import redact
from tasks.redaction.redactor import Redactor

_DIAGNOSTICS = 3
_MESSAGE = 2000


def check_state(result: Result) -> State[Any]:
    """Return the final state of a check's task run."""
    match result.status:
        case Status.PASSED if result.cached:
            origin = f"passed in the run {result.cached_run} at {result.cached_at}" if result.cached_run else ""
            return Completed(name="Cached", message=" · ".join(filter(None, (_passed(result), origin))))
        case Status.PASSED:
            return Completed(message=_passed(result))
        case Status.FAILED:
            return Failed(message=_explained(result))
        case Status.ERRORED:
            return no_verdict(_explained(result))
        case Status.SKIPPED:
            return skipped(_explained(result))


def stage_state(results: Sequence[Result]) -> State[Any]:
    """Return the final state of a stage's flow run: as bad as its worst check."""
    message = counted(results)
    match worst(results):
        case Status.PASSED:
            return Completed(message=message)
        case Status.FAILED:
            return Failed(message=message)
        case Status.ERRORED:
            return no_verdict(message)
        case Status.SKIPPED:
            return skipped(message)


def run_state(report: Report) -> State[Any]:
    """Return the final state of the whole run."""
    message = counted([check.result for check in report.checks])
    if reason := report.verdict.reason:
        message = f"{message}: {reason}"
    match report.verdict.outcome:
        case Outcome.PASSED:
            ending = ". Ready to deploy." if report.verdict.ready else " (partial)" if report.verdict.gaps else ""
            return Completed(message=message + ending)
        case Outcome.FAILED:
            return Failed(message=message)
        case Outcome.INTERRUPTED:
            return State(type=StateType.CANCELLED, name="Interrupted", message=message)
        case Outcome.ERRORED | Outcome.BUDGET | Outcome.USAGE:
            # of a gate: the first gap in its proof
            return no_verdict(": ".join([message, *report.verdict.gaps[:1]]))


def masked(state: State[Any], redactor: Redactor) -> State[Any]:
    """Return the state with its message masked: it was put together from texts that were masked one by one."""
    state.message = None if state.message is None else redact(state.message, redactor)
    return state


def counted(results: Sequence[Result]) -> str:
    """Return `1 failed, 5 passed, 3 of them cached`."""
    counts = Counter(result.status for result in results)
    cached = sum(result.passed and result.cached for result in results)
    order = (Status.FAILED, Status.ERRORED, Status.PASSED, Status.SKIPPED)
    texts = {status: f"{counts[status]} {status}" for status in order if counts[status]}
    if cached:
        texts[Status.PASSED] += f", {cached} of them cached"
    return ", ".join(texts.values()) or "nothing to do"


def no_verdict(message: str) -> State[Any]:
    """Return the state of a run or check without a verdict, for a reason outside the code: orange in the UI."""
    return State(type=StateType.CRASHED, name="NoVerdict", message=message)


def skipped(message: str) -> State[Any]:
    """Return the state of a run or check that was not tried: grey in the UI."""
    return State(type=StateType.CANCELLED, name="Skipped", message=message)


def _passed(result: Result) -> str:
    gaps = f"partial: {'; '.join(result.proof.gaps)}" if result.proof.gaps else ""
    return " · ".join(part for part in (result.summary, gaps) if part)


def _explained(result: Result) -> str:
    lines = [result.reason or result.summary or result.reason_code]
    lines += [_line(diagnostic) for diagnostic in result.diagnostics[:_DIAGNOSTICS]]
    if more := len(result.diagnostics) - _DIAGNOSTICS:
        lines += [f"and {more} more"] if more > 0 else []
    message = "\n".join(lines)
    return message if len(message) <= _MESSAGE else f"{message[:_MESSAGE]}…"


def _line(diagnostic: Diagnostic) -> str:
    text = diagnostic.message.partition("\n")[0]
    return f"{diagnostic.location}: {text}" if diagnostic.location else text
