"""Compares a job's results with the runs before it, and its files with the deployed commit or the last green run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.comparison import Comparison, WeakerGate
from tasks.errors import EngineError, PredeployError
from tasks.models import Outcome, Result, SkipReason, Verdict
from tasks.planning.narrowing import GAP
from tasks.report.directory import RunDirectory
from tasks.report.facts import counted
from tasks.source.base import base_commit, is_ancestor, title_of
from tasks.source.tree import Tree
from tasks.validation.comparison.changes import read_changes
from tasks.validation.comparison.compare import CurrentRun, compare_runs, weaker_runs
from tasks.validation.comparison.earlier import EarlierRun, read_earlier
from tasks.validation.comparison.weaker import weakenings
from tasks.validation.job import Job

_STRONGER = {Outcome.PASSED, Outcome.ERRORED, Outcome.BUDGET}
"""The outcomes that a weaker gate turns into a failure, if a setting says so."""


def compare(
    job: Job, directory: RunDirectory, results: Mapping[str, Result], engine: str, keys: Mapping[str, str]
) -> Comparison:
    """Returns the comparison of a job's results. `keys` has the keys of the checks that have one.

    Never raises for files or git: what cannot be read is not compared.
    """
    scope = job.scope
    now = CurrentRun(
        results=results,
        engine=engine,
        keys=keys,
        tree=scope.tree.digest,
        is_whole=scope.plan.whole,
        is_narrowed=any(GAP in check.requires for check in scope.plan.checks),
    )
    known = read_earlier(job.kept or directory.final.parent)
    # reports that a worker keeps are of many branches and repositories: only one of the very commit is comparable
    earlier = () if job.kept else known
    since = _reference(job, earlier)
    fails = job.settings.weaker_gate == "fail"
    if isinstance(since, SkipReason):
        unknown = since.reason.removeprefix("no upgrade was tried: ")
        gate = WeakerGate(found=weaker_runs(now, earlier), unknown=unknown, fails=fails)
        return replace(compare_runs(now, earlier, None, ""), gate=gate)
    base = next((run for run in known if run.commit == since[0] and not run.is_narrowed), None)
    found = compare_runs(now, earlier, base, title_of(*since))
    return replace(found, gate=_weaker_gate(scope.tree, since, now, earlier, fails=fails))


def _reference(job: Job, earlier: Sequence[EarlierRun]) -> tuple[str, str] | SkipReason:
    """The commit to compare with: the base; on the default branch, the commit of the last green run before."""
    tree, named = job.scope.tree, job.settings.base
    try:
        chosen = job.scope.deployed or base_commit(tree, named)
    except EngineError as error:
        return SkipReason(reason_code="no_base", reason=str(error))
    if tree.commit is None or named or (not isinstance(chosen, SkipReason) and chosen[1].startswith("merge base")):
        return chosen
    greens = (run.commit for run in earlier if run.outcome is Outcome.PASSED and run.is_whole and run.commit)
    green = next(greens, "")
    is_before = green != tree.commit and is_ancestor(tree, green)
    return (green, "the last green run") if green and is_before else chosen


def _weaker_gate(
    tree: Tree, since: tuple[str, str], now: CurrentRun, earlier: Sequence[EarlierRun], *, fails: bool
) -> WeakerGate:
    runs = weaker_runs(now, earlier)
    try:
        found = weakenings(read_changes(tree, since[0]))
    except (PredeployError, OSError) as error:
        return WeakerGate(found=runs, unknown=str(error), fails=fails)
    return WeakerGate(found=(*found, *runs), since=title_of(*since), fails=fails)


def judged(verdict: Verdict, gate: WeakerGate) -> Verdict:
    """Returns the verdict. It is a failure if the gate got weaker, and the settings say so. Pure."""
    if not (gate.fails and gate.found and verdict.outcome in _STRONGER):
        return verdict
    reason = f'the gate got weaker in {counted(len(gate.found), "place")} (weaker_gate = "fail")'
    return Verdict(outcome=Outcome.FAILED, exit_code=1, reason=reason)
