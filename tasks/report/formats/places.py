"""The places of findings as services see them: relative to the top of the repository. Pure."""

import posixpath
from dataclasses import dataclass

from tasks.models import Diagnostic, Report, Severity
from tasks.report.folding import findings, headline
from tasks.report.layout import clean_line


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """One place of a finding: its diagnostic, the message of the finding, and the title of the check."""

    diagnostic: Diagnostic
    message: str
    title: str


def red_places(report: Report) -> list[FoundPlace]:
    """The places of all checks that did not pass: errors first.

    Of each severity, the first places of all findings come before any second place.
    """
    found = [
        (
            list(Severity).index(each.severity),
            rank,
            FoundPlace(diagnostic=each, message=headline(finding), title=check.title),
        )
        for check in report.checks
        if not check.result.passed
        for finding in findings(check.result.diagnostics)
        for rank, each in enumerate(finding.diagnostics)
    ]
    return [place for _, _, place in sorted(found, key=lambda each: each[:2])]


def in_repository(path: str, below: str) -> str:
    """A path of the stack, from the top of its repository. `below` is the stack's directory there."""
    return clean_line(posixpath.normpath(posixpath.join(below, path)))
