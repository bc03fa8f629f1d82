"""Compares the results of a run with earlier runs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tasks.comparison import Comparison, Finding, FixedFinding, Weakening
from tasks.models import Outcome, Result, Status, TestCounts
from tasks.report.findings.fingerprints import fingerprints
from tasks.validation.comparison.earlier import EarlierCheck, EarlierRun

SLOWER, SECONDS, MEASURED = 2.0, 5.0, 3
"""A check is slower than usual if it takes `SLOWER` times as long, and `SECONDS` more, than the median of at least
`MEASURED` runs."""
_DECIDED = {Status.PASSED, Status.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentRun:
    """The run that is compared. `is_whole` and `is_narrowed` are as in `EarlierRun`, `keys` as in `Comparison`."""

    results: Mapping[str, Result]
    engine: str
    tree: str
    is_whole: bool
    is_narrowed: bool
    keys: Mapping[str, str] = field(default_factory=dict)

    def decided(self, status: Status | None = None) -> Iterator[tuple[str, Result]]:
        """The checks that gave a verdict on the code; those with this status."""
        for name, result in self.results.items():
            if result.status in _DECIDED and status in {None, result.status}:
                yield name, result


def compare_runs(now: CurrentRun, earlier: Sequence[EarlierRun], base: EarlierRun | None, title: str) -> Comparison:
    """Returns what is the same, new and fixed. `earlier` is sorted from new to old. `title` names the base's commit.

    Each check is compared with the newest run that gave a verdict on it. A run of chosen tests is never compared.
    """
    whole = () if now.is_narrowed else tuple(run for run in earlier if not run.is_narrowed)
    before = {name: found for name, _ in now.decided() if (found := _newest(name, whole))}
    marks = {name: fingerprints(result.diagnostics) for name, result in now.decided()}
    used = {run.id for run, _ in before.values()}
    has_base = base is not None and not now.is_narrowed
    on_base, red_on_base = _on_base(now, marks, base) if base and has_base else (frozenset(), ())
    return Comparison(
        previous=next((run.id for run in whole if run.id in used), ""),
        seen={
            (name, mark): check.findings[mark].seen + 1 if mark in check.findings else 1
            for name, (_, check) in before.items()
            for mark in marks[name]
        },
        fixed=tuple(_fixed(before, marks)),
        base=title if has_base else "",
        on_base=on_base,
        red_on_base=red_on_base,
        keys=now.keys,
        flaky=dict(_flaky(now, whole)),
        slower=dict(_slower(now, whole)),
        is_whole=now.is_whole,
        is_narrowed=now.is_narrowed,
    )


def _newest(name: str, runs: Sequence[EarlierRun]) -> tuple[EarlierRun, EarlierCheck] | None:
    found = ((run, run.checks[name]) for run in runs if name in run.checks and run.checks[name].is_decided)
    return next(found, None)


def _fixed(
    before: Mapping[str, tuple[EarlierRun, EarlierCheck]], marks: Mapping[str, Sequence[str]]
) -> Iterator[FixedFinding]:
    """The errors of checks that had failed, which this run does not have."""
    for name, (_, check) in before.items():
        if check.status is Status.FAILED:
            for mark, each in check.findings.items():
                if each.is_error and mark not in marks[name]:
                    yield FixedFinding(check=name, location=each.location, message=each.message)


def _on_base(
    now: CurrentRun, marks: Mapping[str, Sequence[str]], base: EarlierRun
) -> tuple[frozenset[Finding], tuple[str, ...]]:
    """The findings and the failed checks that the deployed commit has as well."""
    checks = {name: base.checks[name] for name, _ in now.decided(Status.FAILED) if name in base.checks}
    red = {name: check for name, check in checks.items() if check.status is Status.FAILED}
    found = frozenset((name, mark) for name, check in red.items() for mark in marks[name] if mark in check.findings)
    return found, tuple(red)


def _flaky(now: CurrentRun, runs: Sequence[EarlierRun]) -> Iterator[tuple[str, str]]:
    """Checks that gave another verdict on the same inputs, and the newest run where they did."""
    for name, result in now.decided():
        others = (run for run in runs if name in run.checks and run.checks[name].is_decided)
        different = (run for run in others if run.checks[name].status is not result.status)
        if found := next((run for run in different if _has_same_inputs(name, now, run)), None):
            yield name, found.id


def _has_same_inputs(name: str, now: CurrentRun, run: EarlierRun) -> bool:
    """Whether the keys are equal; all files and the engine, where one of the runs has no key for the check."""
    keys = now.keys.get(name, ""), run.checks[name].key
    return keys[0] == keys[1] if all(keys) else (run.tree, run.engine) == (now.tree, now.engine)


def _slower(now: CurrentRun, runs: Sequence[EarlierRun]) -> Iterator[tuple[str, float]]:
    for name, result in now.decided(Status.PASSED):
        known = (run.checks[name] for run in runs if run.engine == now.engine and name in run.checks)
        took = [check.seconds for check in known if check.status is Status.PASSED and check.seconds]
        if result.cached or len(took) < MEASURED:
            continue
        usual = median(took)
        if result.duration > SLOWER * usual and result.duration > usual + SECONDS:
            yield name, usual


def weaker_runs(now: CurrentRun, earlier: Sequence[EarlierRun]) -> tuple[Weakening, ...]:
    """What the newest green run had more of: checks, and tests of a check that passes."""
    greens = [run for run in earlier if run.outcome is Outcome.PASSED and not run.is_narrowed]
    if now.is_narrowed or not greens:
        return ()
    found: list[Weakening] = []
    whole = next((run for run in greens if run.is_whole), None)
    if whole and now.is_whole:
        text = f"the check is not part of the stack any more (run {whole.id} had it)"
        found += [
            Weakening(kind="check_gone", text=f"{name}: {text}") for name in whole.checks.keys() - now.results.keys()
        ]
    for name, result in now.decided(Status.PASSED):
        green = next((run for run in greens if name in run.checks and run.checks[name].tests), None)
        before = green.checks[name].tests if green else None
        if green and before and result.tests:
            said = _fewer_tests(before, result.tests)
            found += [Weakening(kind=kind, text=f"{name}: {text} (run {green.id})") for kind, text in said]
    return tuple(sorted(found, key=lambda each: each.text))


def _fewer_tests(before: TestCounts, now: TestCounts) -> Iterator[tuple[str, str]]:
    was, are = (each.passed + each.failed + each.skipped for each in (before, now))
    if are < was:
        yield "fewer_tests", f"{are} tests instead of {was}"
    if now.skipped > before.skipped:
        yield "skipped_test", f"{now.skipped} skipped tests instead of {before.skipped}"
