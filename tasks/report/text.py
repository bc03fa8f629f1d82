"""The report as people read it: one pure function of the report and a style."""

import operator
from collections.abc import Iterable, Iterator

from tasks.models import CheckReport, Diagnostic, Outcome, Report, Result, Severity, Stage, Status, Verdict, worst
from tasks.report.facts import (
    counted,
    duration_of,
    engine_line,
    gap_texts,
    gate_line,
    image_lines,
    log_path,
    named,
    run_line,
    seconds,
    secrets_line,
    tally,
    untracked_line,
)
from tasks.report.layout import cells, clean, clean_line, disarm, fold, hang, shorten
from tasks.report.ranking import Finding, Fix, describe, findings, rank_fixes, red_checks
from tasks.report.style import Style

_BOX = 62
_TIME = 48  # the column of a time
_BLOCK = 8  # lines for what a red check found
_ONE = 2  # lines for one finding of many
_FIXES = 5

_RESULTS = {
    Outcome.PASSED: "PASSED",
    Outcome.FAILED: "FAILED",
    Outcome.ERRORED: "ERRORED (no verdict)",
    Outcome.INTERRUPTED: "INTERRUPTED",
    Outcome.BUDGET: "BUDGET SPENT",
    Outcome.USAGE: "USAGE",
}


def render_text(report: Report, style: Style) -> str:
    """The report in full, ending with a newline. The last line of a run is not part of it."""
    blocks: list[Iterable[str]] = [
        _header(report, style),
        *(_stage(report, stage, style) for stage in Stage if report.of(stage)),
        _result(report, style),
        *_closing(report, style),
    ]
    return disarm("\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n")


def _box(lines: Iterable[str], style: Style) -> Iterator[str]:
    rule = style.paint(style.dim, style.rule * min(_BOX, style.width))
    yield rule
    yield from lines
    yield rule


def _header(report: Report, style: Style) -> Iterator[str]:
    yield from _box([style.paint(style.bold, "  PRE-DEPLOY VALIDATION")], style)
    facts = {
        "stack": clean_line(report.stack),
        "gate": gate_line(report),
        "engine": engine_line(report),
        "run": run_line(report),
        "secrets": secrets_line(report),
    }
    for name, fact in filter(operator.itemgetter(1), facts.items()):
        lead = f"{name:<8}"
        yield from hang(style.spell(fact), lead, style.width, style.paint(style.dim, lead))


def _stage(report: Report, stage: Stage, style: Style) -> Iterator[str]:
    checks = report.of(stage)
    status = worst(check.result for check in checks)
    skipped = sum(check.result.status is Status.SKIPPED for check in checks)
    if status is Status.PASSED and skipped and report.verdict.outcome is not Outcome.PASSED:
        status = Status.SKIPPED  # not all of it ran: no tick
    note = f" ({skipped} of {len(checks)} skipped)" if skipped else ""
    title = f"{stage.value.capitalize()} Stage {style.sign(status)}{note}"
    shown = title.replace(style.sign(status), style.paint(style.tint(status), style.sign(status)), 1)
    time = f"[{seconds(duration_of(report, stage))}]"
    yield shown + _timed(title, _TIME + 2, time, style)
    for check in checks:
        yield from _check(report, check, style)


def _timed(text: str, column: int, time: str, style: Style) -> str:
    """What follows a title so that its time stands in that column, or as far to the right as there is room."""
    column = min(column, style.width - cells(time))
    return " " * max(2, column - cells(text)) + time


def _check(report: Report, check: CheckReport, style: Style) -> Iterator[str]:
    result = check.result
    sign = style.sign(result.status)
    title = style.spell(clean_line(check.title + _remark(result)))
    time = _time(result)
    *above, last = hang(title, f"  {sign} ", style.width - len(time) - 2)
    lines = [*above, last + (_timed(last, _TIME, time, style) if time else "")]
    yield lines[0].replace(sign, style.paint(style.tint(result.status), sign), 1)
    yield from lines[1:]
    if result.status in (Status.FAILED, Status.ERRORED):
        yield from _trouble(report, result, style)


def _remark(result: Result) -> str:
    if result.status is Status.SKIPPED:
        return f" (skipped: {result.reason or result.reason_code or 'no reason was given'})"
    if result.status is not Status.PASSED:
        return f" ({result.summary})" if result.summary else ""
    warnings = sum(diagnostic.severity is Severity.WARNING for diagnostic in result.diagnostics)
    parts = [result.summary, counted(warnings, "warning") if warnings else ""]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _time(result: Result) -> str:
    if result.status is Status.SKIPPED:
        return ""
    return "(cached)" if result.cached else f"({seconds(result.duration)})"


def _trouble(report: Report, result: Result, style: Style) -> Iterator[str]:
    """Why a check is red: its reason where that says more, its first findings, and where to read on."""
    found = findings(result.diagnostics)
    reason = clean_line(result.reason)
    if result.status is Status.ERRORED:
        code = f" [{result.reason_code}]" if result.reason_code else ""
        yield from hang(style.spell(f"no verdict: {reason or 'the reason is unknown'}{code}"), "    ", style.width)
    elif reason and not any(says(finding.diagnostic, reason) for finding in found):
        yield from hang(style.spell(reason), "    ", style.width)
    room, shown = _BLOCK, 0
    for finding in found:
        lines = _finding(finding, max(_ONE, _BLOCK // len(found)), style)
        if shown and len(lines) > room:
            break
        yield from lines
        room, shown = room - len(lines), shown + 1
    left, log = len(found) - shown, clean_line(log_path(report, result))
    if left and log:
        yield from hang(style.spell(f"… and {left} more in {log}"), "    ", style.width)
    elif left:
        yield style.spell(f"    … and {left} more in the report")
    elif log:
        yield from hang(style.spell(f"log: {log}"), "    ", style.width)


def says(diagnostic: Diagnostic, reason: str) -> bool:
    """Is the reason this finding's own first line, with or without its location?"""
    message = clean_line(diagnostic.message.partition("\n")[0])
    return reason in {message, f"{clean_line(diagnostic.location)}: {message}"} or reason in message


def _finding(finding: Finding, most: int, style: Style) -> list[str]:
    """Location and message behind an arrow; a message of many lines keeps their own indentation."""
    diagnostic = finding.diagnostic
    again = f" ({finding.count} times)" if finding.count > 1 else ""
    head, *rest = clean(describe(diagnostic)).strip("\n").split("\n")
    location = clean_line(diagnostic.location)
    first = f"{location}  {head.strip()}{again}" if location else f"{head.strip()}{again}"
    arrow = f"    {style.arrow} "
    lines = hang(style.spell(first), arrow, style.width, f"    {style.paint(style.red, style.arrow)} ")
    indent = " " * cells(arrow)
    for line in rest:
        lines += [indent + part for part in fold(style.spell(line.rstrip()), style.width - cells(indent))]
    if len(lines) > most:
        mark = style.spell("…")
        last = shorten(f"{lines[most - 1]} {mark}", style.width, mark)
        lines = [*lines[: most - 1], last]
    return lines


def _result(report: Report, style: Style) -> Iterator[str]:
    verdict = report.verdict
    partial = " (partial)" if verdict.outcome is Outcome.PASSED and not verdict.ready else ""
    line = f"  RESULT: {_RESULTS[verdict.outcome]}{partial}"
    total = f"Total: {seconds(report.duration)}"
    colour = _colour(verdict, style)
    yield from _box([style.paint(colour, line) + _timed(line, _TIME, total, style)], style)


def _colour(verdict: Verdict, style: Style) -> str:
    match verdict.outcome:
        case Outcome.PASSED:
            return style.green
        case Outcome.FAILED:
            return style.red
        case _:
            return style.yellow


def _closing(report: Report, style: Style) -> Iterator[list[str]]:
    """What follows the box, most important last: that is what a terminal shows."""
    verdict = report.verdict
    if verdict.outcome is Outcome.ERRORED and verdict.gaps:
        yield [*hang(style.spell(f"No verdict: {clean_line(verdict.reason)}:"), "", style.width), *_gaps(report, style)]
    elif said := [line for line in (clean_line(verdict.reason), tally(report)) if line]:
        yield [line for text in said for line in hang(style.spell(text), "", style.width)]
    if report.warnings:
        warnings = (hang(style.spell(clean_line(text)), "  ! ", style.width) for text in report.warnings)
        yield ["Warnings:", *(line for lines in warnings for line in lines)]
    if handed := image_lines(report):
        yield [line for text in handed for line in hang(style.spell(clean_line(text)), "", style.width)]
    if untracked := untracked_line(report):
        yield hang(style.spell(untracked), "", style.width)
    yield from _fix_first(report, style)
    if report.rerun and verdict.outcome is not Outcome.PASSED:
        title = "Run the red checks again:" if red_checks(report) else "Run what is left:"
        yield [title, *_command(style.spell(clean_line(report.rerun)), style)]
    if verdict.outcome is Outcome.PASSED:
        yield ["Ready to deploy!"] if verdict.ready else _partial(report, style)


def _partial(report: Report, style: Style) -> list[str]:
    """One reason in the line itself, several below it."""
    gaps = gap_texts(report)
    if len(gaps) == 1:
        return hang(style.spell(f"PASSED (partial: {gaps[0]})"), "", style.width)
    head = f"PASSED (partial: {len(gaps)} reasons), not yet the proof that a deploy needs:"
    return [*hang(head, "", style.width), *_gaps(report, style)]


def _gaps(report: Report, style: Style) -> list[str]:
    """A line for each reason why the proof is not full."""
    return [line for gap in gap_texts(report) for line in hang(style.spell(gap), "  - ", style.width)]


def _fix_first(report: Report, style: Style) -> Iterator[list[str]]:
    fixes, more = rank_fixes(report, _FIXES)
    if not fixes:
        return
    lines = [style.paint(style.bold, "Fix first:")]
    for number, fix in enumerate(fixes, 1):
        lead = f"  {number}. "
        first, *rest = _fix(fix, style.width - cells(lead), style)
        lines += [lead + first, *(" " * cells(lead) + line for line in rest)]
    if more:
        lines.append(f"  and {more} more")
    yield lines


def _fix(fix: Fix, width: int, style: Style) -> list[str]:
    """Two lines at most, the checks at their end; a path that is longer than that stays whole."""
    where = style.spell(f" ({named(fix.checks, 3)})")
    head = clean_line(fix.text.strip("\n").split("\n")[0])
    text = style.spell(f"{clean_line(fix.location)}  {head}" if fix.location else head)
    lines = fold(text + where, width)
    if len(lines) <= 2:
        return lines
    first, *rest = fold(text, width)
    return [first, shorten(" ".join(rest), width - cells(where), style.spell("…")) + where]


def _command(command: str, style: Style) -> list[str]:
    """The command on as few lines as fit, ready to paste: it is broken before options, with a backslash."""
    lines: list[str] = []
    for part in command.replace(" --", "\n--").split("\n"):
        if lines and cells(lines[-1]) + cells(part) + 3 <= style.width:
            lines[-1] += f" {part}"
        else:
            lines.append(f"  {'  ' * bool(lines)}{part}")
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
