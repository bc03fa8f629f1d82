"""The report for a coding agent: only failed checks, and a line for each finding."""

from collections.abc import Callable, Iterator

from tasks.models import CheckReport, Outcome, Report, Severity, Status
from tasks.report.compared import comparison_lines, weaker_lines, weaker_title
from tasks.report.facts import (
    cached_line,
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
from tasks.report.findings.rerun import rerun_of
from tasks.report.folding import FoldedFinding, findings, headline, is_said, repetition
from tasks.report.layout import clean, clean_line, disarm, shorten
from tasks.report.ranking import affected, numbers, rank_fixes, red_checks, repeated
from tasks.report.style import Style

_EACH = (20, 10, 5, 3, 2, 1, 0)  # findings of one check: the first number that fits
_LAST = 4  # lines at the end that are never left out
LONGEST = {True: 4_000, False: 12_000}
"""The bytes of a text of a pass, and of any other text."""
_LENGTH = 300  # cells of one finding
_FIX = 120  # cells of the fix that its tool offers
_NAMES = 8
_WEAKER = 5


def render_agent(report: Report, reason: str, style: Style | None = None) -> str:
    """Lines without colour or box, at most `LONGEST` bytes. `reason` is why this mode was chosen.

    Only `unicode` of the style has an effect.
    """
    spell = (style or Style(unicode=True)).spell
    most = LONGEST[report.verdict.outcome is Outcome.PASSED]
    header, closing = [*_header(report, reason)], [*_closing(report)]
    text = ""
    for each in _EACH:
        text = _text([*header, *_red(report, each), *closing], spell)
        if len(text.encode()) <= most:
            return text
    return _cut(header, [*_red(report, 0)], closing, f"… and more: {place_of(report)}/report.txt", most, spell)


def _text(lines: list[str], spell: Callable[[str], str]) -> str:
    return disarm("\n".join(map(spell, lines)) + "\n")


def _cut(
    header: list[str], red: list[str], closing: list[str], note: str, most: int, spell: Callable[[str], str]
) -> str:
    """The text with as many lines as fit. The last ones of the closing stay: they say what to do next."""
    end = [_within(line, most // 8) for line in closing[-_LAST:]]
    start = [_within(line, most // 8) for line in header]
    middle = [_within(line, most // 8) for line in (*red, *closing[:-_LAST])]
    while middle and len(_text([*start, *middle, note, *end], spell).encode()) > most:
        middle = middle[: -max(1, len(middle) // 10)]
    return _text([*start, *middle, note, *end], spell)


def _within(line: str, most: int) -> str:
    """The line, cut to a number of bytes."""
    data = line.encode()
    return line if len(data) <= most else data[: most - 3].decode(errors="ignore") + "…"


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
    if report.started_at:
        yield f"started: {clean_line(report.started_at)}"
    if report.gate:
        yield f"gate: {gate_line(report)}"
    yield f"engine: {engine_line(report)}"
    if secrets := secrets_line(report):
        yield f"secrets: {secrets}"
    if report.run.unrecorded:
        yield f"run not recorded: {clean_line(report.run.unrecorded)}"


def _red(report: Report, most: int) -> Iterator[str]:
    same = repeated(report)
    for check in red_checks(report):
        yield from _check(report, check, same.get(check.id), most)
    skipped = [check for check in report.checks if check.result.status is Status.SKIPPED]
    for reason in dict.fromkeys(check.result.reason for check in skipped):
        names = [check.name for check in skipped if check.result.reason == reason]
        yield f"skipped: {named(names, _NAMES)} ({clean_line(reason) or 'no reason was given'})"


def _check(report: Report, check: CheckReport, earlier: CheckReport | None, most: int) -> Iterator[str]:
    result = check.result
    log = clean_line(log_path(report, result))
    code = f"[{result.reason_code}]" if result.reason_code else ""
    end = f" log={log}" if log else ""
    if earlier is not None:
        yield f"{result.status.value}: {check.id}: the same as {earlier.id}{f' {code}' if code else ''}{end}"
        return
    found, reason = findings(result.diagnostics), clean_line(result.reason)
    if result.status is Status.ERRORED:  # its reason is whole, and no finding says it again
        found = tuple(each for each in found if not is_said(each.diagnostic, reason))
    elif most and found and is_said(found[0].diagnostic, f"{clean_line(found[0].diagnostic.location)} {reason}"):
        reason = ""
    why = " ".join(filter(None, [reason, code]))
    yield f"{result.status.value}: {check.id}{': ' if why else ''}{why}{end}"
    yield from (_finding(finding) for finding in found[:most])
    if len(found) > most:
        yield f"  … and {len(found) - most} more in {place_of(report)}/report.json"
    if again := next(filter(None, (rerun_of(check, each.diagnostic) for each in found)), ""):
        yield f"  one test again: {clean_line(again)}"


def _finding(finding: FoldedFinding) -> str:
    diagnostic = finding.diagnostic
    again = f" {repetition(finding)}".rstrip()
    mild = "" if diagnostic.severity is Severity.ERROR else f"{diagnostic.severity.value}: "
    where = f"{clean_line(diagnostic.location)}: " if diagnostic.location else ""
    message = " | ".join(filter(None, map(clean_line, clean(headline(finding)).split("\n"))))
    fix = f" (fix: {shorten(clean_line(diagnostic.fix), _FIX, '…')})" if diagnostic.fix else ""
    return f"  {where}{mild}{shorten(message, _LENGTH, '…')}{again}{fix}"


def _closing(report: Report) -> Iterator[str]:
    yield from comparison_lines(report)
    if title := weaker_title(report):
        yield title
        yield from (f"  {text}" for text in weaker_lines(report, _WEAKER))
    yield from (f"warning: {clean_line(text)}" for text in report.warnings)
    yield from map(clean_line, image_lines(report))
    if cached := cached_line(report):
        yield cached
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
