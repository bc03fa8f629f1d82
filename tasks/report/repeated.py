"""Finds red checks that say the same as an earlier one, so that a report prints one trouble once. Pure."""

from collections.abc import Mapping

from tasks.models import CheckReport, Diagnostic, Report, Status
from tasks.report.layout import clean_line
from tasks.report.ranking import red_checks


def repeated(report: Report) -> Mapping[str, CheckReport]:
    """Returns by id the red checks with the reason and findings of an earlier check, and that check."""
    first: dict[tuple[object, ...], CheckReport] = {}
    found: dict[str, CheckReport] = {}
    order = [check for check in report.checks if check in red_checks(report)]
    for check in order:
        result = check.result
        # the reason of a missing verdict is whole; a failure is the same only with the same findings
        is_whole = result.status is Status.ERRORED and bool(result.reason)
        said = () if is_whole else tuple((each.location, each.message) for each in result.diagnostics)
        key = (result.status, result.reason_code, result.reason, said)
        if not result.reason and not said:
            continue
        if key in first:
            found[check.id] = first[key]
        first.setdefault(key, check)
    return found


def says(diagnostic: Diagnostic, reason: str) -> bool:
    """Whether the reason is this finding's own first line, with or without its location."""
    message = clean_line(diagnostic.message.partition("\n")[0])
    return reason in {message, f"{clean_line(diagnostic.location)}: {message}"} or reason in message


def is_said(diagnostic: Diagnostic, reason: str) -> bool:
    """Whether a reason has the whole finding: its message, and its place if it has one."""
    message = clean_line(diagnostic.message).removesuffix("…")
    return message in reason and (diagnostic.file is None or clean_line(diagnostic.location) in reason)
