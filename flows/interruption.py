"""Ctrl-C and its kin: the first ends what goes on, politely; the second ends the process."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from flows.entry import STOPPING, end_bare, heeded


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

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Signals are ours inside, and end the process as bare as before outside."""
        before = {number: signal.signal(number, self._handle) for number in heeded()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def printing(self) -> None:
        """The run is over: a signal does not take the report away, unless it comes again."""
        self.is_printing = True
        self.polite = lambda _: None

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
