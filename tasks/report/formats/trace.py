"""The run in Chrome's trace event format, for Perfetto and `chrome://tracing`: what ran when, side by side. Pure."""

import json

from tasks.models import CheckReport, Report
from tasks.report.formats.timeline import end_of, timeline
from tasks.report.layout import clean_line

MICROSECONDS = 1_000_000


def render_trace(report: Report) -> str:
    """Returns one complete event for the run, and one for each check that ran. Times are since the run began.

    The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
    """
    bars = timeline(report)
    rows = _rows([bar.check for bar in bars])
    events: list[dict[str, object]] = [_event("predeploy", "run", 0.0, report.duration, 0)]
    for bar, row in zip(bars, rows, strict=True):
        result = bar.check.result
        facts = {
            "check": bar.check.id,
            "status": result.status,
            "after": clean_line(bar.after),
            "queued_seconds": round(bar.queued, 3),
            "critical": bar.is_critical,
        }
        event = _event(clean_line(bar.check.title), bar.check.stage, result.started, result.duration, row)
        events.append(event | {"args": facts})
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, indent=1) + "\n"


def _event(name: str, category: str, started: float, duration: float, row: int) -> dict[str, object]:
    times = {"ts": round(started * MICROSECONDS), "dur": round(duration * MICROSECONDS)}
    return {"name": name, "cat": category, "ph": "X", **times, "pid": 1, "tid": row}


def _rows(checks: list[CheckReport]) -> list[int]:
    """Returns for each check, in the order of their starts, the first row below the run's that is free."""
    free: list[float] = []
    rows = []
    for check in checks:
        row = next((row for row, until in enumerate(free) if until <= check.result.started), len(free))
        free[row : row + 1] = [end_of(check)]
        rows.append(row + 1)
    return rows
