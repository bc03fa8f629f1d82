"""Signals, and the ends of a process without a report: the first signal stops the run, the second one ends the process.

This module needs little but Python: `flows/cli/process.py` imports it before it catches signals.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from flows.cli.start_time import seconds_waited

STOPPING = {
    signal.SIGINT: ("interrupted", 130),
    signal.SIGTERM: ("terminated", 143),
    signal.SIGHUP: ("terminated", 143),
}
"""The signals that end a run, each with its word and its exit code."""
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
"""The words that pydantic accepts as true in PREDEPLOY_JSON_OUTPUT. A test compares the two."""
EMPTY_REPORT = Path(__file__).resolve().parents[2] / "tasks/report/empty.json"
"""The document of a report without checks. `tasks/report/document.py` defines it, and a test compares the two."""
BARE_COUNTS = "checks=0 failed=0 errored=0 skipped=0 cached=0"


leaving: list[Callable[[], None]] = []
"""What this process does right before it ends, such as to dismiss its witness."""


def leave() -> None:
    """Does what comes right before the end of this process. It may be called twice."""
    while leaving:
        leaving.pop()()


class Interrupted(KeyboardInterrupt):
    """A signal came while there was no run to stop."""

    def __init__(self, word: str, exit_code: int) -> None:
        super().__init__(word)
        self.word = word
        self.exit_code = exit_code


class Interruption:
    """The signal that was received, and the reactions to the first and the second one.

    `polite` handles the first signal; without it, Interrupted is raised at once. `forced` runs before the second one
    ends the process, and must be quick.
    """

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self.polite: Callable[[signal.Signals], None] | None = None
        self.forced: Callable[[], None] = lambda: None
        self.is_printing = False

    def catch(self) -> None:
        """Handles signals from now on, to the end of the process."""
        for number in handled_signals():
            signal.signal(number, self._handle)

    def ignore_first(self) -> None:
        """The run is over: the first signal changes nothing, so that its report is written."""
        self.polite = lambda _: None

    def printing(self) -> None:
        """The report is being written: a second signal adds no line in the middle of it."""
        self.ignore_first()
        self.is_printing = True

    def _handle(self, given: int, _: FrameType | None) -> None:
        number = signal.Signals(given)
        if self.came is not None:
            self._end(number)
        self.came = number
        if self.polite is None:
            raise Interrupted(*STOPPING[number])
        self.polite(number)

    def _end(self, number: signal.Signals) -> NoReturn:
        with suppress(Exception):
            self.forced()
        with suppress(OSError, AttributeError, ValueError):
            if sys.stderr.isatty():
                os.write(2, b"\r\x1b[J\x1b[?25h")  # restores the cursor, and clears the live view
        word, code = STOPPING[number]
        if self.is_printing:
            leave()
            os._exit(code)
        end_bare("interrupted", code, f"{word} by {number.name} again, before the run had come to its end")


def catch_signals() -> None:
    """Ends the process on a signal, until a run can be stopped. What the caller ignores (nohup) stays ignored."""
    for number in handled_signals():
        signal.signal(number, end_by_signal)


def handled_signals() -> list[signal.Signals]:
    """Returns the signals that end a run, without those that the caller made this process ignore."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def end_by_signal(number: int, _: FrameType | None = None) -> NoReturn:
    """Handles a signal that comes before a run has begun."""
    word, code = STOPPING[signal.Signals(number)]
    end_bare("interrupted", code, f"{word} by {signal.Signals(number).name}")


def is_json_wanted(arguments: list[str], variable: str) -> bool:
    """Returns whether stdout is for the document only, before the settings are read."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json-output" in own or variable.strip().lower() in TRUE


def end_bare(outcome: str, exit_code: int, reason: str) -> NoReturn:
    """Ends the process at once. Writes the reason, the last line, and the document if it is wanted."""
    seconds = seconds_waited()
    line = f"PREDEPLOY {outcome.upper()} exit={exit_code} {BARE_COUNTS} seconds={seconds:.1f} engine=- report=-\n"
    document = json.dumps(bare_document(outcome, exit_code, reason, seconds), indent=2) + "\n"
    wanted = is_json_wanted(sys.argv[1:], os.environ.get("PREDEPLOY_JSON_OUTPUT", ""))
    message = f"predeploy: {reason}\n"
    leave()
    for descriptor, text in ((2, message), *(((1, document), (2, line)) if wanted else ((1, line),))):
        with suppress(OSError):
            os.write(descriptor, text.encode("ascii", "backslashreplace"))
    os._exit(exit_code)


def bare_document(outcome: str, exit_code: int, reason: str, seconds: float) -> dict[str, Any]:
    """Returns a report without checks. It is read as data, as the modules that write reports may fail to import."""
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        document = json.loads(EMPTY_REPORT.read_bytes())
    started_at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    facts = {"result": outcome, "exit_code": exit_code, "reason": reason, "started_at": started_at}
    return document | facts | {"duration_seconds": round(seconds, 3)}
