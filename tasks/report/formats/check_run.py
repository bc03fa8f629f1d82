"""The report as a check run of GitHub: a conclusion, a page, and annotations at file and line. Pure."""

from collections.abc import Iterator

from tasks.models import Diagnostic, Outcome, Report, Severity
from tasks.report.folding import findings, headline
from tasks.report.formats.artifacts import report_markdown, report_title
from tasks.report.formats.places import in_repository
from tasks.report.inspection import Json
from tasks.report.layout import clean, clean_line, encodable, shorten

ANNOTATIONS = 50
"""The annotations that GitHub accepts in a request. The report has all findings."""
LONGEST, SUMMARY, TITLE = 600, 60_000, 250
_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.NOTE: "notice"}
# No verdict is a failure here: the conclusion `neutral` lets a required check pass.
_CONCLUSIONS = {
    Outcome.PASSED: "success",
    Outcome.BUDGET: "timed_out",
    Outcome.INTERRUPTED: "cancelled",
}


def check_run_document(report: Report, name: str, commit: str, url: str, below: str = ".") -> dict[str, Json]:
    """The body of the request. `below` is the stack's directory in the repository."""
    document: dict[str, Json] = {
        "name": name,
        "head_sha": commit,
        "status": "completed",
        "conclusion": _CONCLUSIONS.get(report.verdict.outcome, "failure"),
        "output": {
            "title": shorten(clean_line(report_title(report)), TITLE, "…"),
            "summary": _cut(encodable(report_markdown(report))),
            "annotations": [*_annotations(report, below)][:ANNOTATIONS],
        },
    }
    return document | ({"details_url": url} if url else {})


def _cut(text: str) -> str:
    return text if len(text) <= SUMMARY else f"{text[:SUMMARY].rpartition(chr(10))[0]}\n\nand more in the report"


def _annotations(report: Report, below: str) -> Iterator[Json]:
    """The places of red checks: errors first, and of each severity the first places of all findings first."""
    found = [
        (each.severity, rank, each, headline(finding), check.title)
        for check in report.checks
        if not check.result.passed
        for finding in findings(check.result.diagnostics)
        for rank, each in enumerate(finding.diagnostics)
        if each.file and each.line
    ]
    order = [*_LEVELS]
    for _, _, each, message, title in sorted(found, key=lambda one: (order.index(one[0]), one[1])):
        yield _annotation(each, message, title, below)


def _annotation(each: Diagnostic, message: str, title: str, below: str) -> dict[str, Json]:
    return {
        "path": encodable(in_repository(each.file or "", below)),
        "start_line": each.line,
        "end_line": each.line,
        "annotation_level": _LEVELS[each.severity],
        "title": shorten(clean_line(title), TITLE, "…"),
        "message": shorten(clean(message), LONGEST, "…"),
    }
