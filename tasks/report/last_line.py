"""The last line of every run, for `| tail -1`."""

import json
import re

from tasks.models import Outcome, Report, Status
from tasks.report.facts import place_of

UNKNOWN = "-"


def last_line(
    outcome: Outcome,
    exit_code: int,
    *,
    checks: int = 0,
    failed: int = 0,
    errored: int = 0,
    skipped: int = 0,
    cached: int = 0,
    seconds: float = 0.0,
    engine: str = UNKNOWN,
    report: str = UNKNOWN,
) -> str:
    """`PREDEPLOY <WORD> key=value …` without a newline. Only the path can hold a space; then it stands in quotes."""
    facts: dict[str, object] = {
        "exit": exit_code,
        "checks": checks,
        "failed": failed,
        "errored": errored,
        "skipped": skipped,
        "cached": cached,
        "seconds": f"{seconds:.1f}",
        "engine": _value(engine),
        "report": _value(report),
    }
    return " ".join([f"PREDEPLOY {outcome.value.upper()}", *(f"{key}={value}" for key, value in facts.items())])


def counts_of(report: Report) -> dict[str, int]:
    """The numbers of the last line: of all checks, and of those with an end that is named."""
    statuses = [check.result.status for check in report.checks]
    return {
        "checks": len(statuses),
        "failed": statuses.count(Status.FAILED),
        "errored": statuses.count(Status.ERRORED),
        "skipped": statuses.count(Status.SKIPPED),
        "cached": sum(check.result.cached for check in report.checks),
    }


def last_line_of(report: Report) -> str:
    """The last line of a run with a report."""
    return last_line(
        report.verdict.outcome,
        report.verdict.exit_code,
        **counts_of(report),
        seconds=report.duration,
        engine=report.engine.name,
        report=f"{place_of(report)}/report.json" if report.directory else UNKNOWN,
    )


def _value(text: str) -> str:
    """The text as one word."""
    if text and re.fullmatch(r"[!#-&(-~…]+", text):
        return text
    return json.dumps(text) if text else UNKNOWN
