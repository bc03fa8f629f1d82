"""Results of checks that did not run to their end. Pure."""

from collections.abc import Sequence

from tasks.models import Proof, Result, Status
from tasks.steps import Check

ENDS = {Status.FAILED: "failed", Status.ERRORED: "has no verdict", Status.SKIPPED: "was skipped"}


def without_need(check: Check, title: str, need: Status) -> Result:
    """Returns the result of a check that needs another one, which did not pass. `title` is that of the other one."""
    reason = f"needs {title}, which {ENDS[need]}"
    return Result(check=check.id, status=Status.SKIPPED, reason_code="needs", reason=reason)


def without_means(check: Check) -> Result | None:
    """Returns the result of a check that cannot run here; None if it can."""
    if (skip := check.skip_reason) is None:
        return None
    proof = Proof(gaps=(skip.reason,))
    return Result(check=check.id, status=Status.SKIPPED, reason_code=skip.reason_code, reason=skip.reason, proof=proof)


def stopped(check: Check, ended: Sequence[str] | None, *, begun: bool) -> Result:
    """Returns the result of a check that the stop of the run has cancelled. `ended` has reason code and reason."""
    code, reason = ended or ("interrupted", "the run was interrupted")
    text = f"{'stopped while it ran' if begun else 'not run'}: {reason}"
    status = Status.ERRORED if begun and code != "fail_fast" else Status.SKIPPED
    return Result(check=check.id, status=status, reason_code=code, reason=text)
