"""Dagger's own command line, which its client starts: its variables, its processes and what it says."""

import contextlib
import io
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tasks.engines.local.process_table import list_processes
from tasks.redaction import Redactor

# for the command line that Dagger's client starts: nobody called at home, plain text, time to shut down
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGGER_NO_UPDATE_CHECK": "1",
    "DAGGER_NO_NAG": "1",
    "DAGGER_PROGRESS": "plain",
    "_EXPERIMENTAL_DAGGER_SHUTDOWN_TIMEOUT": "15s",
}
DAGGERS = ("DAGGER_", "_EXPERIMENTAL_DAGGER_")
# what would send traces somewhere, and makes the client rearrange our logging
NOT_OURS = ("OTEL_", "DAGGER_CLOUD_TOKEN")


@contextlib.contextmanager
def variables_for_cli(environ: Mapping[str, str]) -> Iterator[None]:
    """Dagger's own variables among ours, while its command line is started: that inherits them from nowhere else."""
    wanted = {**QUIET, **{name: value for name, value in environ.items() if name.startswith(DAGGERS)}}
    touched = {*wanted, *(name for name in os.environ if name.startswith((*DAGGERS, *NOT_OURS)))}
    before = {name: os.environ.pop(name) for name in touched if name in os.environ}
    os.environ.update({name: value for name, value in wanted.items() if not name.startswith(NOT_OURS)})
    try:
        yield
    finally:
        for name in touched:
            os.environ.pop(name, None)
        os.environ.update(before)


def find_cli() -> list[int]:
    """The command lines of Dagger that this process has started."""
    return [pid for pid, parent in list_processes() if parent == os.getpid() and is_cli(pid)]


def is_cli(pid: int) -> bool:
    """Whether a process is a `dagger session` of its Python client."""
    try:
        return b"dagger.io/sdk.name:python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class MaskedLog(io.TextIOBase):
    """A log that passes the redactor. It has no descriptor, so Dagger's command line cannot write past it."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file, self._stream = path.open("ab", buffering=0), redactor.stream()

    def write(self, text: str) -> int:
        """Called by the thread that reads what the command line says, until that has ended."""
        self._file.write(self._stream.feed(text.encode("utf-8", "replace")))
        return len(text)

    def close(self) -> None:
        """Writes what was held back."""
        if not self._file.closed:
            self._file.write(self._stream.flush())
            self._file.close()
        super().close()


def end(pids: Iterable[int]) -> None:
    """Ends processes at once."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
