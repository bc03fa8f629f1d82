"""The report as people read it: one pure function of the report and a style."""

import operator
from collections.abc import Iterable, Iterator

from tasks.models import CheckReport, Outcome, Report, Result, Severity, Stage, Status, Verdict, worst
from tasks.report.closing import closing
from tasks.report.facts import (
    counted,
    duration_of,
    engine_line,
    gate_line,
    log_path,
    run_line,
    seconds,
    secrets_line,
)
from tasks.report.folding import FoldedFinding, findings, headline, is_said, repetition, says
from tasks.report.layout import cells, clean, clean_line, disarm, fold, hang, shorten
from tasks.report.ranking import repeated
from tasks.report.style import Style

_BOX = 62
_TIME = 48  # the column of a time
_BLOCK = 8  # lines for what a red check found
_ONE = 2  # lines for one finding of many

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
        *closing(report, style),
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
        text = style.spell(fact)
        if name == "engine":  # one line, however long its reason is
            text = shorten(text, style.width - cells(lead), style.spell("…"))
        yield from hang(text, lead, style.width, style.paint(style.dim, lead))


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
    """The padding and the time after a title, so that the time starts in `column`, or further left in a narrow one."""
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
        earlier = repeated(report).get(check.id)
        yield from _same_as(earlier, style) if earlier else _trouble(report, result, style)


def _same_as(check: CheckReport, style: Style) -> list[str]:
    """One line for a check whose trouble an earlier check has reported."""
    return hang(style.spell(f"the same as {clean_line(check.title)}"), f"    {style.arrow} ", style.width)


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
    """Why a check is red: its reason if no finding has it, its first findings, and the path of its log."""
    found = findings(result.diagnostics)
    reason = clean_line(result.reason)
    if result.status is Status.ERRORED:  # its reason is whole, and no finding says it again
        found = tuple(each for each in found if not is_said(each.diagnostic, reason))
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
        yield from _with_path(f"… and {left} more in", log, style)
    elif left:
        yield style.spell(f"    … and {left} more in the report")
    elif log:
        yield from _with_path("log:", log, style)


def _with_path(text: str, path: str, style: Style) -> list[str]:
    """A path behind a text. A path that is longer than a line is never cut, so that it can be copied."""
    if cells(path) <= style.width - 4:
        return hang(style.spell(f"{text} {path}"), "    ", style.width)
    return [f"    {style.spell(f'{text} {path}')}"]


def _finding(finding: FoldedFinding, most: int, style: Style) -> list[str]:
    """Location and message behind an arrow; a message of many lines keeps their own indentation."""
    head, *rest = clean(headline(finding)).strip("\n").split("\n")
    location = clean_line(finding.diagnostic.location)
    first = f"{location}  {head.strip()}" if location else head.strip()
    arrow = f"    {style.arrow} "
    indent = " " * cells(arrow)
    lines = hang(style.spell(first), arrow, style.width, f"    {style.paint(style.red, style.arrow)} ")
    for line in rest:
        lines += [indent + part for part in fold(style.spell(line.rstrip()), style.width - cells(indent))]
    if len(lines) > most:
        mark = style.spell("…")
        lines = [*lines[: most - 1], shorten(f"{lines[most - 1]} {mark}", style.width, mark)]
    again = style.spell(clean_line(repetition(finding)))
    # the number of occurrences is never cut off
    if again and len(lines) == 1 and len(hang(f"{first} {again}", arrow, style.width)) == 1:
        return [f"{lines[0]} {again}"]
    return lines + (hang(again, indent, style.width) if again else [])


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
