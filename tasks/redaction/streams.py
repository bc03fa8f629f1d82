"""The process as a sink: its streams, its log records, and the errors that it raises to others."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from tasks.redaction.gate import redact
from tasks.redaction.redactor import Redactor


class MaskedStream:
    """A text stream that masks what is written; everything else is the stream's own."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream, self._redactor = stream, redactor

    def write(self, text: str) -> int:
        """Writes the text, masked. A value that two calls share is not found: no program prints one so by accident."""
        self._stream.write(redact(text, self._redactor))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Writes each line, masked."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def unmasked(stream: TextIO | None) -> TextIO | None:
    """The stream for a text that has passed a gate of its own."""
    below: object = stream  # a masked stream only behaves like a TextIO
    return below._stream if isinstance(below, MaskedStream) else stream  # noqa: SLF001 - the class is of this module


class MaskedRecord(logging.LogRecord):
    """A log record without a value in its message and its traceback, whichever handler writes it."""

    redactor: Redactor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0] is not None:
            text = "".join(traceback.format_exception(*self.exc_info)).rstrip("\n")
            if (masked := redact(text, self.redactor)) != text:
                self.exc_info, self.exc_text = None, masked

    def getMessage(self) -> str:  # noqa: N802 - logging's own name
        """Returns the message, masked. Handlers and formatters take it from here."""
        return redact(super().getMessage(), self.redactor)


def mask_process(redactor: Redactor) -> None:
    """From now on, to the end of the process, neither its streams nor its log records show a value."""
    if not redactor:
        return
    for name in ("stdout", "stderr"):
        # the values that an earlier mask hides are among the new ones
        stream: TextIO | None = getattr(sys, name)
        if (below := unmasked(stream)) is not None:
            setattr(sys, name, cast("TextIO", MaskedStream(below, redactor)))
    logging.setLogRecordFactory(type("MaskedRecord", (MaskedRecord,), {"redactor": redactor}))


@contextmanager
def masked_errors(redactor: Redactor) -> Iterator[None]:
    """Raises errors from inside without a value in their texts: Prefect, or another caller, writes them down."""
    try:
        yield
    except Exception as error:
        # the whole text, as a log would show it: with notes, causes and the members of a group
        text = "".join(traceback.format_exception(error))
        if redact(text, redactor) == text:
            raise
        raise RuntimeError(f"{type(error).__name__}: {redact(str(error), redactor)}") from None
