"""What receipts and joined commands share: whose report another process may print, and what is kept of it."""

import contextlib
import time
from pathlib import Path

from flows.cli.receipt.answer import ASKED
from flows.cli.receipt.facts import CONFIGURATION
from tasks.models import Report
from tasks.prefect_server.start import is_ci
from tasks.redaction.gate import redact
from tasks.report.facts import place_of
from tasks.report.last_line import counts_of
from tasks.validation.job import Job

KEPT = 2 * 24 * 3600.0


def serves_others(job: Job) -> bool:
    """Whether another process may print the report of this run: only files, the command and the machine decide it.

    A trace is the trace of a run, so a command that asks for one runs.
    """
    if job.settings.trace or not ASKED.command or job.secrets or job.token is not None or is_ci(job.environ):
        return False
    scope = job.scope
    return CONFIGURATION in scope.tree.files or not (scope.home / CONFIGURATION).exists()


def kept_report(report: Report, text: str, job: Job, place: Path) -> dict[str, object]:
    """What another process needs of a report to print it. `place` is its directory."""
    return {
        "run": job.run_id,
        "report": str(place / "report.json"),
        "shown": f"{place_of(report)}/report.json",
        "engine": report.engine.name,
        "json": job.settings.json_output,
        "counts": counts_of(report),
        "text": redact(text, job.secrets.redactor),
    }


def drop_old(directory: Path) -> None:
    """Deletes files that nothing has used for two days. Errors of the file system cost space, never a verdict."""
    with contextlib.suppress(OSError):
        for old in directory.iterdir():
            if time.time() - old.stat().st_mtime > KEPT:
                old.unlink(missing_ok=True)
