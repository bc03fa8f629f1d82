"""The progress of a run's checks, for all views, and the thread that redraws a view."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.models import Result, Status
from tasks.report.facts import named, seconds
from tasks.report.layout import clean_line
from tasks.report.style import Style

Clock = Callable[[], float]
_LONG = 5.0
"""Seconds. A check that takes less is over before a reader asks how long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChecks:
    """The checks of a plan in its order, by id: their titles, their seconds when they last passed, and their needs."""

    titles: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Board:
    """The progress of a run's checks."""

    planned: PlannedChecks = field(default_factory=PlannedChecks)
    running: dict[str, float] = field(default_factory=dict)
    finished: dict[str, Result] = field(default_factory=dict)
    note: str = ""
    since: float = 0.0

    def title(self, check: str) -> str:
        return clean_line(self.planned.titles.get(check, check))

    def start(self, check: str, now: float) -> None:
        self.running[check] = now

    def finish(self, check: str, result: Result) -> None:
        self.running.pop(check, None)
        self.finished[check] = result
        self.note = ""  # the note is outdated; the next sign of life shows the running checks

    def ages(self, now: float) -> list[str]:
        """`pytest 34s (usually 40s)`, the longest first."""
        oldest = sorted(self.running, key=lambda check: self.running[check])
        return [f"{self.title(check)} {whole(now - self.running[check])}{self._usually(check)}" for check in oldest]

    def _usually(self, check: str) -> str:
        """How long the check took when it last passed, if that is long enough to wait for."""
        took = self.planned.usual.get(check, 0.0)
        return f" (usually {whole(took)})" if took >= _LONG else ""

    def waiting(self) -> list[str]:
        """`upgrade waits for migrate`: the checks that have not started, the next ones first."""
        missing = {check: [*self._missing(check)] for check in self.planned.titles if self._is_to_come(check)}
        free = [self.title(check) for check, needs in missing.items() if not needs]
        held = sorted((check for check, needs in missing.items() if needs), key=lambda check: len(missing[check]))
        turn = [f"{named(free)} {'waits for its' if len(free) == 1 else 'wait for their'} turn"] if free else []
        return [*turn, *(f"{self.title(check)} waits for {named(missing[check])}" for check in held)]

    def _is_to_come(self, check: str) -> bool:
        return check not in self.running and check not in self.finished

    def _missing(self, check: str) -> Iterator[str]:
        """The titles of the needs that have not ended, those that run first."""
        needs = self.planned.needs.get(check, ())
        left = [need for need in needs if need in self.planned.titles and need not in self.finished]
        yield from map(self.title, sorted(left, key=self._is_to_come))

    def done(self) -> str:
        """`9 of 14 done`."""
        return f"{len(self.finished)} of {len(self.planned.titles)} done"


def whole(duration: float) -> str:
    """A duration in whole seconds: one that still grows needs no tenths."""
    return f"{int(duration)}s" if duration < 60 else seconds(duration)


def outcome(title: str, result: Result, style: Style) -> str:
    """`✓ mypy (3.1s)`, with the reason if the check did not pass."""
    time_ = "cached" if result.cached else seconds(result.duration)
    why = ": " + (clean_line(result.reason) or result.reason_code) if result.reason or result.reason_code else ""
    took = "" if result.status is Status.SKIPPED else f" ({time_})"
    return f"{style.sign(result.status)} {title}{took}{'' if result.passed else why}"


class Ticker:
    """Calls a function from a thread of its own, so that a busy or blocked event loop does not stop the calls."""

    def __init__(self, interval: float, tick: Callable[[], None]) -> None:
        self._interval = interval
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="predeploy-progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No tick begins after this. A tick that waits for a full pipe is left behind."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._tick()
