"""Ctrl-C and its kin: the first ends what goes on, politely; the second ends the process."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from flows.cli.process import STOPPING, end_bare, handled_signals


class Interrupted(KeyboardInterrupt):
    """A signal came where no run was there that could be stopped."""

    def __init__(self, word: str, exit_code: int) -> None:
        super().__init__(word)
        self.word = word
        self.exit_code = exit_code


class Interruption:
    """What has come so far, and what to do about it.

    `polite` is how the first signal is answered: none raises Interrupted right where the program is. `forced` is what
    still has to be done, quickly, before the second one ends the process.
    """

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self.polite: Callable[[signal.Signals], None] | None = None
        self.forced: Callable[[], None] = lambda: None
        self.is_printing = False

    def catch(self) -> None:
        """From now on, to the end of the process, signals come here."""
        for number in handled_signals():
            signal.signal(number, self._handle)

    def ignore_first(self) -> None:
        """The run is over: a signal does not take its report away, unless it comes again."""
        self.polite = lambda _: None

    def printing(self) -> None:
        """The report is being written: a second signal adds no line of its own in the middle of it."""
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
        with contextlib.suppress(Exception):
            self.forced()
        with contextlib.suppress(OSError, AttributeError, ValueError):
            if sys.stderr.isatty():
                os.write(2, b"\r\x1b[J\x1b[?25h")  # what the live view has hidden and drawn
        word, code = STOPPING[number]
        if self.is_printing:
            os._exit(code)
        end_bare("interrupted", code, f"{word} by {number.name} again, before the run had come to its end")
