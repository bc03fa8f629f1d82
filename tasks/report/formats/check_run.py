"""The report as a check run of GitHub: a conclusion, a page, and annotations at file and line. Pure."""

from tasks.models import Outcome, Report, Severity
from tasks.report.formats.artifacts import report_markdown, report_title
from tasks.report.formats.places import FoundPlace, in_repository, red_places
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
    found = [each for each in red_places(report) if each.diagnostic.file and each.diagnostic.line]
    document: dict[str, Json] = {
        "name": name,
        "head_sha": commit,
        "status": "completed",
        "conclusion": _CONCLUSIONS.get(report.verdict.outcome, "failure"),
        "output": {
            "title": shorten(clean_line(report_title(report)), TITLE, "…"),
            "summary": _cut(encodable(report_markdown(report))),
            "annotations": [_annotation(each, below) for each in found[:ANNOTATIONS]],
        },
    }
    return document | ({"details_url": url} if url else {})


def _cut(text: str) -> str:
    return text if len(text) <= SUMMARY else f"{text[:SUMMARY].rpartition(chr(10))[0]}\n\nand more in the report"


def _annotation(found: FoundPlace, below: str) -> dict[str, Json]:
    place = found.diagnostic
    return {
        "path": encodable(in_repository(place.file or "", below)),
        "start_line": place.line,
        "end_line": place.line,
        "annotation_level": _LEVELS[place.severity],
        "title": shorten(clean_line(found.title), TITLE, "…"),
        "message": shorten(clean(found.message), LONGEST, "…"),
    }
