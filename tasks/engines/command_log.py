"""The output of a command: its end is kept in memory, and all of it is written to the log at once."""

import errno
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from tasks.errors import EngineError
from tasks.redaction.redactor import NOTHING, Redactor

KEPT = 8 << 20
LOG_LIMIT = 256 << 20
FULL = {errno.ENOSPC, errno.EDQUOT}


class Tail:
    """The last bytes of a stream, up to a limit."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit, self._bytes, self._cut = limit, bytearray(), False

    def add(self, data: bytes) -> None:
        self._bytes += data[-self._limit :]
        if len(self._bytes) > self._limit + self._limit // 8:  # not at every read, because cutting moves memory
            del self._bytes[: -self._limit]
            self._cut = True

    def text(self) -> str:
        """The kept text, from the beginning of a line. Bytes that are not UTF-8 are replaced."""
        kept = bytes(self._bytes[-self._limit :])
        if self._cut or len(self._bytes) > self._limit:
            kept = kept[kept.find(b"\n") + 1 :]
        return kept.decode("utf-8", "replace")


class Log:
    """A log file that commands append to, one after another. An open log raises no error: `trouble` has the reason.

    The log redacts its input as one stream. A caller that mixes several streams must redact each of them before:
    the output of one stream may otherwise split a secret value of another.
    """

    def __init__(self, path: Path, limit: int = LOG_LIMIT, redactor: Redactor = NOTHING) -> None:
        self.trouble = ""
        self.redactor = redactor
        self._stream = redactor.stream()
        self._left, self._descriptor = limit, -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._left = max(0, limit - os.fstat(self._descriptor).st_size)
        except OSError as error:
            if error.errno not in FULL:
                text = f"Cannot write the log {path}: {error.strerror}. Make its directory writable."
                raise EngineError(text) from error
            self.trouble = "disk_full"

    def begin(self, argv: Sequence[str], cwd: Path) -> None:
        text = f"$ {shlex.join(argv)}\n# in {cwd}\n".encode("utf-8", "surrogateescape")
        self._write(self.redactor.data(text))

    def add(self, data: bytes) -> None:
        self._add(self._stream.feed(data))

    def _add(self, data: bytes) -> None:
        if self._left <= 0:
            return
        self._write(data[: self._left])
        self._left -= len(data)
        if self._left <= 0:
            self.note("The log has reached its limit: the rest of the output is not kept.")

    def note(self, text: str) -> None:
        """Writes a line of predeploy, also when the log has reached its limit."""
        self._write(self.redactor.data(f"\n# {text}\n".encode("utf-8", "replace")))

    def end(self, summary: str) -> None:
        self._add(self._stream.flush())
        self.note(summary)
        self._write(b"\n")
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._add(self._stream.flush())
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._descriptor >= 0 and not self.trouble:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                self.trouble = "disk_full" if error.errno in FULL else "log_lost"
