"""The verdict: one outcome and exit code for all results. Pure."""

from collections.abc import Iterable, Sequence

from tasks.models import Outcome, Result, Status, Verdict

ENDINGS = {
    "budget": (Outcome.BUDGET, 124),
    "interrupted": (Outcome.INTERRUPTED, 130),
    "terminated": (Outcome.INTERRUPTED, 143),
}


NOT_FULL = "every check that ran has passed, but the gate requires full proof"
NOT_WHOLE = "only chosen checks ran (--stage, --only or --skip)"
NO_COMPONENT = "no Django project, Worker or static site was found: nothing that a deploy ships was checked"


def gaps_of(results: Iterable[Result]) -> tuple[str, ...]:
    """Why the proof is partial, each reason once, in the order met."""
    return tuple(dict.fromkeys(gap for result in results for gap in result.proof.gaps))


def is_open(result: Result) -> bool:
    """No verdict: errored, or skipped because a check that it needs did not pass."""
    return result.status is Status.ERRORED or (result.status is Status.SKIPPED and result.reason_code == "needs")


def shortfalls(results: Sequence[Result], gaps: Sequence[str], *, whole: bool) -> tuple[str, ...]:
    """Every reason why checks of which none is red are less than what a deploy needs."""
    skipped = [
        f"{result.check} was skipped: {result.reason or 'no reason was given'}"
        for result in results
        if result.status is Status.SKIPPED and not result.proof.gaps
    ]
    remembered = [
        f"{result.check} did not run: its result is from an earlier run" for result in results if result.cached
    ]
    chosen = [] if whole else [NOT_WHOLE]
    return (*chosen, *gaps, *skipped, *remembered)


def give_verdict(
    results: Sequence[Result],
    *,
    whole: bool,
    ended: tuple[str, str] | None = None,
    gate: bool = False,
    has_component: bool = True,
) -> Verdict:
    """Interruption beats all; a failed check beats a spent budget, which beats a check without a verdict.

    `whole`: the plan was the whole catalogue. `ended` is why the run stopped early, if it did. `gate`: a pass needs
    full proof. Without a component the proof is never full: a stack's own checks do not build what a deploy ships.
    """
    code, reason = ended or ("", "")
    statuses = [result.status for result in results]
    if code in {"interrupted", "terminated"}:
        outcome, exit_code = ENDINGS[code]
        return Verdict(outcome=outcome, exit_code=exit_code, reason=reason)
    if Status.FAILED in statuses:
        return Verdict(outcome=Outcome.FAILED, exit_code=1)
    if code == "budget":
        return Verdict(outcome=Outcome.BUDGET, exit_code=124, reason=reason)
    first = next(
        (result for result in sorted(results, key=lambda each: each.status is Status.SKIPPED) if is_open(result)), None
    )
    if first is not None or Status.PASSED not in statuses:
        return Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=first.reason if first else "no check passed")
    gaps = (*([] if has_component else [NO_COMPONENT]), *gaps_of(results))
    if gate and (short := shortfalls(results, gaps, whole=whole)):
        return Verdict(outcome=Outcome.ERRORED, exit_code=3, gaps=short, reason=NOT_FULL)
    skipped = Status.SKIPPED in statuses
    return Verdict(outcome=Outcome.PASSED, exit_code=0, ready=whole and not gaps and not skipped, gaps=gaps)
