"""The progress of a run on stderr: a live view on a terminal, plain lines elsewhere, few lines for agents."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Protocol, TextIO

from tasks.models import Diagnostic, Result, Status
from tasks.report.board import Board, Clock, PlannedChecks, Ticker, outcome, whole
from tasks.report.facts import named
from tasks.report.folding import describe, findings
from tasks.report.layout import clean_line, hang, shorten
from tasks.report.style import Style

BEAT = 30.0


class Progress(Protocol):
    """Shows events, which come from any thread. Never raises for its stream: a broken one makes it silent."""

    def begin(self, planned: PlannedChecks) -> None:
        """The checks of the plan begin."""

    def note(self, text: str) -> None:
        """Work that is not a check: `installing Node 22`."""

    def started(self, check: str) -> None: ...

    def finished(self, check: str, result: Result) -> None: ...

    def close(self) -> None:
        """Ends the view. Nothing is written afterwards."""


def _now() -> datetime:
    return datetime.now(UTC)


def open_progress(
    stream: TextIO | None,
    *,
    mode: Literal["human", "agent"],
    style: Style,
    interactive: bool,
    beat: float = BEAT,
    clock: Clock = time.monotonic,
    wall: Callable[[], datetime] = _now,
) -> Progress:
    """The progress view that fits. `beat` is the longest silence in seconds while checks run.

    Signs of life for agents have the time of `wall`: an agent has no other clock.
    """
    if stream is None:  # Python's stderr if a process has none
        return Silent()
    if mode == "human" and interactive:
        from tasks.report.terminal import TerminalProgress  # noqa: PLC0415 - rich costs start-up time

        return TerminalProgress(stream, style, clock)
    return LineProgress(stream, style, beat=beat, clock=clock, wall=wall if mode == "agent" else None)


class LineProgress:
    """A line per event, and a sign of life now and then. With `wall`: only failures, and signs of life with a time."""

    def __init__(
        self, stream: TextIO, style: Style, *, beat: float, clock: Clock, wall: Callable[[], datetime] | None = None
    ) -> None:
        self._stream: TextIO | None = stream
        self._style = style
        self._quiet, self._wall = wall is not None, wall
        self._clock = clock
        self._board = Board(since=clock())
        # Re-entrant: a signal handler may write while the same thread is writing.
        self._lock = threading.RLock()
        self._ticker = Ticker(beat, self._beat)
        self._ticker.start()

    def begin(self, planned: PlannedChecks) -> None:
        with self._lock:
            self._board.planned = planned

    def note(self, text: str) -> None:
        with self._lock:
            self._board.note = clean_line(text)
            if not self._quiet:
                self._say(f"· {self._board.note}")

    def started(self, check: str) -> None:
        with self._lock:
            self._board.start(check, self._clock())

    def finished(self, check: str, result: Result) -> None:
        with self._lock:
            self._board.finish(check, result)
            red = result.status in (Status.FAILED, Status.ERRORED)
            if self._quiet and red:
                self._say(f"{result.status.value}: {check}{_first(result)}")
            elif not self._quiet:
                self._say(outcome(self._board.title(check), result, self._style), result.status)

    def close(self) -> None:
        with self._lock:
            self._stream = None
        self._ticker.stop()

    def _beat(self) -> None:
        with self._lock:
            now = self._clock()
            ages = self._board.ages(now)
            what = f"still running: {named(ages)}" if ages else "still at work"
            note = f"; {self._board.note}" if self._board.note else ""
            at = f" at {self._wall():%H:%M:%S} UTC" if self._wall else ""
            self._say(f"· {what}; {self._board.done()} after {whole(now - self._board.since)}{at}{note}")

    def _say(self, text: str, status: Status | None = None) -> None:
        """Writes a line at once. A broken pipe or a closed stream ends all output."""
        if self._stream is None:
            return
        lines = [self._style.spell(text)] if self._quiet else hang(self._style.spell(text), "", self._style.width)
        if status and not self._quiet:
            sign = self._style.sign(status)
            lines[0] = lines[0].replace(sign, self._style.paint(self._style.tint(status), sign), 1)
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


class Silent:
    """Shows nothing: the output has no reader, or there is no stream."""

    def begin(self, planned: PlannedChecks) -> None: ...

    def note(self, text: str) -> None: ...

    def started(self, check: str) -> None: ...

    def finished(self, check: str, result: Result) -> None: ...

    def close(self) -> None: ...


def _first(result: Result) -> str:
    """The first finding, or the reason: an agent may begin to fix it while the rest runs."""
    found: list[Diagnostic] = [finding.diagnostic for finding in findings(result.diagnostics)]
    reason = clean_line(result.reason) or result.reason_code
    if not found:
        return f": {reason}" if reason else ""
    location = clean_line(found[0].location)
    message = shorten(clean_line(describe(found[0])), 200, "…")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f": {location}{': ' if location else ''}{message}{more}"
