"""The last sink: whatever Python itself writes to our streams, for a thread or a task that broke, is masked as well."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from tasks.redaction.redactor import Redactor


class MaskedStream:
    """A text stream that masks what is written; everything else is the stream's own."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream, self._redactor = stream, redactor

    def write(self, text: str) -> int:
        """Writes the text, masked. A value that is cut over two calls is none that anybody prints by accident."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Each line, masked."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def mask_streams(redactor: Redactor) -> None:
    """From now on, to the end of the process, nothing that is written to stdout or stderr shows a value."""
    if not redactor:
        return
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, MaskedStream):
            stream = stream._stream  # noqa: SLF001 - the values that it masks are among the new ones
        if stream is not None:
            setattr(sys, name, cast("TextIO", MaskedStream(stream, redactor)))


@contextmanager
def masked_errors(redactor: Redactor) -> Iterator[None]:
    """What goes wrong inside is raised without a value in its text: somebody else will write it down."""
    try:
        yield
    except Exception as error:
        # whole as it would be written down: with its notes, its causes and the members of a group
        told = "".join(traceback.format_exception(error))
        if redactor.text(told) == told:
            raise
        raise RuntimeError(f"{type(error).__name__}: {redactor.text(str(error))}") from None
