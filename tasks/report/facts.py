"""Short phrases about a report that more than one rendering has."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath

from tasks.models import Outcome, Report, Result, Stage, Status
from tasks.report.layout import clean_line

_NAMED = 5  # names in a sentence
_SECRETS = 12
EMBEDDED = "local"
"""The name of the embedded engine for programs and in `--engine`."""


def seconds(duration: float) -> str:
    """`5.9s`, from a minute on `2m 05s`."""
    if round(duration, 1) < 60:
        return f"{duration:.1f}s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes}m {rest:02d}s"


def counted(number: int, noun: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def named(names: Sequence[str], most: int = _NAMED) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(map(clean_line, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def duration_of(report: Report, stage: Stage) -> float:
    """The duration of a stage in seconds: as measured, or from its first check's start to its last one's end."""
    if stage in report.stage_durations:
        return report.stage_durations[stage]
    ran = [check.result for check in report.of(stage) if check.result.duration]
    if not ran:
        return 0.0
    return max(result.started + result.duration for result in ran) - min(result.started for result in ran)


def engine_line(report: Report) -> str:
    """`dagger 0.19.2: the reason in a few words`. The JSON has the whole reason."""
    engine = report.engine
    if engine.name == EMBEDDED:
        return clean_line(f"embedded (this machine, no containers): {engine.summary or engine.reason}")
    name = " ".join(part for part in (engine.name, engine.version) if part)
    reason = engine.summary or engine.reason
    return clean_line(f"{name}: {reason}" if reason else name)


def run_line(report: Report) -> str:
    """Where the run is recorded, or why it is not."""
    run = report.run
    if run.url and not run.unrecorded:
        return clean_line(run.url)
    return clean_line(f"not recorded: {run.unrecorded}") if run.unrecorded else f"{clean_line(run.id)} (no URL)"


def secrets_line(report: Report) -> str:
    """The source of the secrets, and their names; empty if the run had none."""
    secrets = report.secrets
    return clean_line(f"{secrets.source}: {named(secrets.names, _SECRETS)}") if secrets.names else ""


def gate_line(report: Report) -> str:
    """The commit that a gate validates; empty if the run was no gate."""
    return clean_line(f"commit {report.commit}, from a clean clone") if report.gate else ""


def image_lines(report: Report) -> list[str]:
    """Where images and files were written or published, with their digests."""
    built = [f"Built from {_label(report, each.component)}: {each.path} ({each.digest})" for each in report.built]
    return built + [
        f"Image of {_label(report, image.component)}: {place}"
        for image in report.images
        for place in (
            f"{image.path} ({image.digest})" if image.path else "",
            image.reference,
        )
        if place
    ]


def _label(report: Report, component: str) -> str:
    """A component, or at the root the stack, as `.` says nothing."""
    return report.stack if component == "." else component


def log_path(report: Report, result: Result) -> str:
    """The log of a check as a reader opens it; `Result.log` is relative to the report's directory."""
    return str(PurePosixPath(place_of(report)) / result.log) if result.log else ""


def place_of(report: Report) -> str:
    """The directory of the report as a reader opens it; empty if there is no report."""
    return (report.place or report.directory) if report.directory else ""


def tally(report: Report) -> str:
    """The number of checks with each status, if not all of them passed."""
    statuses = [check.result.status for check in report.checks]
    failed, errored, skipped = map(statuses.count, (Status.FAILED, Status.ERRORED, Status.SKIPPED))
    said = [(failed, "failed"), (errored, "without a verdict"), (skipped, "skipped")]
    numbers = ", ".join(f"{number} {what}" for number, what in said if number)
    if not numbers or not report.checks or report.verdict.outcome is Outcome.PASSED:
        return ""
    mild = " No check found a fault in the code." if errored and not failed else ""
    return f"{counted(len(statuses), 'check')}: {numbers}.{mild}"


def cached_line(report: Report) -> str:
    """How many results are from earlier runs, and the oldest of these; empty if predeploy kept none of them."""
    kept = sorted((each.result.cached_at, each.result.cached_run) for each in report.checks if each.result.cached_at)
    if not kept:
        return ""
    at, run = kept[0]
    age = (datetime.fromisoformat(report.started_at) - datetime.fromisoformat(at)).total_seconds()
    oldest = f"the oldest is {span(max(age, 0.0))} old, of the run {clean_line(run)}"
    return f"{len(kept)} of {counted(len(report.checks), 'result')} from earlier runs: {oldest}. To run all: --fresh"


def span(age: float) -> str:
    """An age for people: `40 seconds`, `5 minutes`, `3 hours` or `2 days`."""
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if age >= size:
            return counted(int(age // size), noun)
    return counted(int(age), "second")


def untracked_line(report: Report) -> str:
    """The files that a deploy of the commit would lack."""
    if not report.untracked:
        return ""
    files = counted(len(report.untracked), "untracked file")
    lacks = "a deploy of the commit lacks it" if len(report.untracked) == 1 else "a deploy of the commit lacks them"
    return f"Note: {files} took part in the run, but {lacks}: {named(report.untracked)}"


def gap_texts(report: Report) -> list[str]:
    """Why a pass is partial, each reason with the checks that it is about."""
    return [_gap(report, gap) for gap in report.verdict.gaps] or ["only chosen checks ran (--stage, --only or --skip)"]


def _gap(report: Report, gap: str) -> str:
    titles = [check.title for check in report.checks if gap in check.result.proof.gaps]
    text = clean_line(gap)
    return f"{text} ({named(titles, 3)})" if titles else text
