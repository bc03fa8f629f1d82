"""The live view on a terminal: finished checks, running ones with their times, and what the others wait for.

Closing it clears it.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Literal, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tasks.models import Result, Status
from tasks.report.board import Board, Clock, PlannedChecks, Ticker, outcome, whole
from tasks.report.layout import clean_line
from tasks.report.style import Style

_REFRESH = 0.2
_WAITING = 3
"""The part of the lines that those for waiting checks may take: a third."""
_FRAMES = {True: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", False: "|/-\\"}
_COLOURS = {Status.PASSED: "green", Status.FAILED: "red", Status.ERRORED: "yellow", Status.SKIPPED: "dim"}


class TerminalProgress:
    """Redraws the board in place. If the terminal is closed, it draws no more."""

    def __init__(self, stream: TextIO, style: Style, clock: Clock) -> None:
        self._style = style
        self._overflow: Literal["ellipsis", "crop"] = "ellipsis" if style.unicode else "crop"
        self._clock = clock
        self._board = Board(since=clock())
        # Held for the board only, never while drawing: if the terminal stops reading (Ctrl-S), the run continues.
        self._lock = threading.RLock()
        self._console = Console(
            file=stream, force_terminal=True, no_color=not style.colour, highlight=False, emoji=False
        )
        # Drawn by our own ticker: the library's thread prints a traceback when its terminal is closed.
        self._live: Live | None = Live(
            console=self._console,
            get_renderable=self._render,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=stream is sys.stderr,
        )
        self._ticker = Ticker(_REFRESH, self._draw)
        self._guarded(self._live.start)
        self._ticker.start()

    def begin(self, planned: PlannedChecks) -> None:
        with self._lock:
            self._board.planned = planned

    def note(self, text: str) -> None:
        with self._lock:
            self._board.note = clean_line(text)

    def started(self, check: str) -> None:
        with self._lock:
            self._board.start(check, self._clock())

    def finished(self, check: str, result: Result) -> None:
        with self._lock:
            self._board.finish(check, result)

    def close(self) -> None:
        self._ticker.stop()
        live, self._live = self._live, None
        if live is not None:
            self._guarded(live.stop)

    def _draw(self) -> None:
        live = self._live
        if live is not None:
            self._guarded(live.refresh)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, ValueError):
            live, self._live = self._live, None
            if live is not None:
                with contextlib.suppress(OSError, ValueError):
                    live.stop()  # gives sys.stderr back

    def _render(self) -> Group:
        """The running checks, above them as many finished ones as fit, and below those that wait, and the counts."""
        with self._lock:
            board, now = self._board, self._clock()
            done = [(outcome(board.title(check), it, self._style), it.status) for check, it in board.finished.items()]
            ages, waiting = board.ages(now), board.waiting()
            note = f" · {board.note}" if board.note else ""
            foot = f"{board.done()} · {whole(now - board.since)}{note}"
        room = max(1, self._console.height - 2)
        ages = ages[:room]
        waiting = first_lines(waiting, min(room - len(ages), max(1, room // _WAITING)))
        done = done[max(0, len(done) - (room - len(ages) - len(waiting))) :]
        frames = _FRAMES[self._style.unicode]
        frame = frames[int(now / _REFRESH) % len(frames)]
        return Group(
            *(self._line(text, _COLOURS[status]) for text, status in done),
            *(self._line(f"{frame} {age}", "") for age in ages),
            *(self._line(f"{self._style.pause} {each}", "dim") for each in waiting),
            self._line(foot, "dim"),
        )

    def _line(self, text: str, style: str) -> Text:
        return Text(self._style.spell(text), style=style, no_wrap=True, overflow=self._overflow)


def first_lines(lines: Sequence[str], room: int) -> list[str]:
    """The first lines. If not all of them fit, the last one is their number."""
    if len(lines) <= room:
        return [*lines]
    return [*lines[: room - 1], f"{len(lines) - room + 1} more wait"] if room > 1 else []
