"""The run in Chrome's trace event format, for Perfetto and `chrome://tracing`: what ran when, side by side. Pure."""

import json
from collections.abc import Iterator, Mapping

from tasks.models import CheckReport, Report
from tasks.report.formats.timeline import end_of, timeline
from tasks.report.layout import clean_line
from tasks.report.parts import CHECKS, MAIN, RunPart, RunParts

MICROSECONDS = 1_000_000
Event = dict[str, object]


def render_trace(report: Report, parts: RunParts | None = None) -> str:
    """Returns a complete event for the run, for each part of it, for each check that ran, and for its phases.

    Times are since the process started. Without parts they are since the checks began. Parts that follow each other are
    in the row of the run, phases in the row of their check, and work beside the checks in the rows below.
    The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
    """
    listed = parts.ended if parts else []
    offset = next((each.started - parts.zero for each in listed if each.name == CHECKS), 0.0) if parts else 0.0
    bars = timeline(report)
    rows = {bar.check.id: row for bar, row in zip(bars, _rows([bar.check for bar in bars]), strict=True)}
    events = [_event("predeploy", "run", 0.0, report.duration, 0)]
    for bar in bars:
        result = bar.check.result
        facts: Event = {
            "check": bar.check.id,
            "status": result.status,
            "after": clean_line(bar.after),
            "queued_seconds": round(bar.queued, 3),
            "critical": bar.is_critical,
        }
        name, started, row = clean_line(bar.check.title), offset + result.started, rows[bar.check.id]
        events.append(_event(name, bar.check.stage, started, result.duration, row) | {"args": facts})
    if parts:
        events += _part_events(parts, rows)
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, indent=1) + "\n"


def _part_events(parts: RunParts, rows: Mapping[str, int]) -> Iterator[Event]:
    below = max(rows.values(), default=0)
    free: list[float] = []
    for each in sorted(parts.ended, key=lambda each: each.started):
        if each.check and each.check not in rows:  # a check without a bar: it was skipped or cached
            continue
        row = 0
        if each.check:
            row = rows[each.check]
        elif each.kind != MAIN:
            row = below + _take_row(free, each.started, each.ended)
        yield _part_event(each, parts.zero, row)


def _part_event(each: RunPart, zero: float, row: int) -> Event:
    event = _event(clean_line(each.name), each.kind, each.started - zero, each.ended - each.started, row)
    return event | ({"args": {"check": each.check}} if each.check else {})


def _event(name: str, category: str, started: float, duration: float, row: int) -> Event:
    times = {"ts": round(started * MICROSECONDS), "dur": round(duration * MICROSECONDS)}
    return {"name": name, "cat": category, "ph": "X", **times, "pid": 1, "tid": row}


def _rows(checks: list[CheckReport]) -> list[int]:
    """Returns for each check, in the order of their starts, the first row below the run's that is free."""
    free: list[float] = []
    return [_take_row(free, check.result.started, end_of(check)) for check in checks]


def _take_row(free: list[float], started: float, ended: float) -> int:
    """Returns the first row, counted from 1, that is free at the start. `free` has the end of what each row holds."""
    row = next((row for row, until in enumerate(free) if until <= started), len(free))
    free[row : row + 1] = [ended]
    return row + 1
