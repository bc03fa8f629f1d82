"""The report for a coding agent: only failed checks, and a line for each finding."""

from collections.abc import Iterator

from tasks.models import CheckReport, Outcome, Report, Severity, Status
from tasks.report.facts import (
    counted,
    engine_line,
    gap_texts,
    gate_line,
    image_lines,
    log_path,
    named,
    place_of,
    seconds,
    secrets_line,
    untracked_line,
)
from tasks.report.folding import findings, headline, repetition
from tasks.report.layout import clean, clean_line, disarm, shorten
from tasks.report.ranking import affected, numbers, rank_fixes, red_checks, repeated
from tasks.report.style import Style

_EACH = 20  # findings of one check
_LENGTH = 300  # cells of one finding
_NAMES = 8


def render_agent(report: Report, reason: str, style: Style | None = None) -> str:
    """Lines without colour or box. `reason` is why this mode was chosen. Only `unicode` of the style has an effect."""
    lines = [*_header(report, reason), *_red(report), *_closing(report)]
    spell = (style or Style(unicode=True)).spell
    return disarm("\n".join(map(spell, lines)) + "\n")


def _header(report: Report, reason: str) -> Iterator[str]:
    yield f"agent output: {clean_line(reason)}; failures only (--output human shows all)"
    outcome = report.verdict.outcome.value.upper()
    passed = sum(check.result.passed for check in report.checks)
    said = numbers(report)
    if report.checks and not said:
        said = f"{passed} of {counted(len(report.checks), 'check')} passed."
    reason = clean_line(report.verdict.reason)
    because = f"{said} Reason: {reason}" if said and reason else said or reason
    yield f"{outcome} in {seconds(report.duration)}: {because}"
    if report.gate:
        yield f"gate: {gate_line(report)}"
    yield f"engine: {engine_line(report)}"
    if secrets := secrets_line(report):
        yield f"secrets: {secrets}"
    if report.run.unrecorded:
        yield f"run not recorded: {clean_line(report.run.unrecorded)}"


def _red(report: Report) -> Iterator[str]:
    for check in red_checks(report):
        yield from _check(report, check)
    skipped = [check for check in report.checks if check.result.status is Status.SKIPPED]
    for reason in dict.fromkeys(check.result.reason for check in skipped):
        names = [check.name for check in skipped if check.result.reason == reason]
        yield f"skipped: {named(names, _NAMES)} ({clean_line(reason) or 'no reason was given'})"


def _check(report: Report, check: CheckReport) -> Iterator[str]:
    result = check.result
    facts = [clean_line(result.reason), f"[{result.reason_code}]" if result.reason_code else ""]
    log = clean_line(log_path(report, result))
    if earlier := repeated(report).get(check.id):
        code = f" [{result.reason_code}]" if result.reason_code else ""
        yield f"{result.status.value}: {check.id}: the same as {earlier.id}{code}{f' log={log}' if log else ''}"
        return
    why = " ".join(fact for fact in facts if fact)
    yield f"{result.status.value}: {check.id}{': ' if why else ''}{why}{f' log={log}' if log else ''}"
    found = findings(result.diagnostics)
    for finding in found[:_EACH]:
        diagnostic = finding.diagnostic
        again = f" {repetition(finding)}".rstrip()
        mild = "" if diagnostic.severity is Severity.ERROR else f"{diagnostic.severity.value}: "
        where = f"{clean_line(diagnostic.location)}: " if diagnostic.location else ""
        message = " | ".join(filter(None, map(clean_line, clean(headline(finding)).split("\n"))))
        yield f"  {where}{mild}{shorten(message, _LENGTH, '…')}{again}"
    if len(found) > _EACH:
        yield f"  … and {len(found) - _EACH} more in {place_of(report)}/report.json"


def _closing(report: Report) -> Iterator[str]:
    yield from (f"warning: {clean_line(text)}" for text in report.warnings)
    yield from map(clean_line, image_lines(report))
    if untracked := untracked_line(report):
        yield untracked
    if report.verdict.outcome is Outcome.ERRORED:
        yield from (f"not proven: {gap}" for gap in gap_texts(report) if report.verdict.gaps)
    fixes, _ = rank_fixes(report, 1)
    for fix in fixes:
        where = f"{clean_line(fix.location)}: " if fix.location else ""
        text = clean_line(fix.text)
        yield f"fix first: {where}{text if fix.is_advice else shorten(text, _LENGTH, '…')} ({affected(fix)})"
    if report.verdict.outcome is not Outcome.PASSED:
        if report.rerun:
            yield f"{'rerun' if fixes else 'run the other checks'}: {clean_line(report.rerun)}"
    elif report.verdict.ready:
        yield "Ready to deploy!"
    else:
        yield f"PASSED (partial: {'; '.join(gap_texts(report))})"
