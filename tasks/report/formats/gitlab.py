"""The report as GitLab's code quality artifact. Pure."""

import json
from collections.abc import Iterator

from tasks.models import CheckReport, Diagnostic, Report, Severity, Status
from tasks.report.findings.fingerprints import fingerprints
from tasks.report.formats.places import in_repository
from tasks.report.inspection import Json
from tasks.report.layout import clean_line

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
_RED = (Status.FAILED, Status.ERRORED)


def render_code_quality(report: Report, below: str = ".") -> str:
    """The artifact as text. `below` is the stack's directory in its repository.

    GitLab drops all but one of the findings with the same fingerprint: what two checks found is one finding.
    """
    found: dict[str, Json] = {}
    for check in report.checks:
        diagnostics = (*check.result.diagnostics, *_reason(check))
        for diagnostic, mark in zip(diagnostics, fingerprints(diagnostics), strict=True):
            found.setdefault(mark, _finding(check, diagnostic, mark, below))
    return json.dumps([*found.values()], indent=1) + "\n"


def _reason(check: CheckReport) -> Iterator[Diagnostic]:
    """The reason of a red check without an error: it has no place, but it is not lost."""
    result = check.result
    if result.status in _RED and all(each.severity is not Severity.ERROR for each in result.diagnostics):
        text = result.reason or result.reason_code or "only its log has the reason"
        yield Diagnostic(tool=check.id, message=f"{check.title}: {text}", rule=result.reason_code or None)


def _finding(check: CheckReport, diagnostic: Diagnostic, mark: str, below: str) -> dict[str, Json]:
    """One finding. GitLab needs a path and a line: without them, they are the component and its first line."""
    fix = f" Fix: {diagnostic.fix}" if diagnostic.fix else ""
    return {
        "description": clean_line(f"{diagnostic.message}{fix}"),
        "check_name": clean_line(f"{diagnostic.tool}: {diagnostic.rule}" if diagnostic.rule else diagnostic.tool),
        "fingerprint": mark,
        "severity": SEVERITIES[diagnostic.severity],
        "location": {
            "path": in_repository(diagnostic.file or check.component, below),
            "lines": {"begin": (diagnostic.line if diagnostic.file else None) or 1},
        },
    }
