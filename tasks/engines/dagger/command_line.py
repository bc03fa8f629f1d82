"""Dagger's own command line, which its client starts: its variables, its processes and what it says."""

import contextlib
import io
import os
import re
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tasks.engines.process_table import list_processes
from tasks.redaction.redactor import Redactor
from tasks.trust import TRUSTED, Trust

# for the command line that Dagger's client starts: nobody called at home, time to shut down
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGGER_NO_UPDATE_CHECK": "1",
    "DAGGER_NO_NAG": "1",
    "_EXPERIMENTAL_DAGGER_SHUTDOWN_TIMEOUT": "15s",
}
# whatever the caller likes to see: writing every step out (`plain`) costs seconds, and our own logs have the output
OURS = {"DAGGER_PROGRESS": "dots", "NO_COLOR": "1"}
LAST_WORDS = 0.5
"""Seconds that a command line which has ended may take to be read to its end."""
KEPT = 4096
COLOURS, TRACE = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"\[traceparent:[^]]*\]")
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
"""Names a command line that is here; else Dagger's client downloads the one of its own version, once per cache."""
DAGGERS = ("DAGGER_", "_EXPERIMENTAL_DAGGER_")
# what would send traces somewhere, and makes the client rearrange our logging
NOT_OURS = ("OTEL_", "DAGGER_CLOUD_TOKEN")
NO_CREDENTIALS = {"DOCKER_CONFIG": str(Path(__file__).with_name("nobody")), "GIT_CONFIG_GLOBAL": os.devnull}
"""Credentials that are none. The one entry is for an address that never is: without any, the keychain is asked."""
CREDENTIALS = ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "SSH_AUTH_SOCK", "GIT_ASKPASS", "SSH_ASKPASS")


@contextlib.contextmanager
def variables_for_cli(environ: Mapping[str, str], trust: Trust = TRUSTED) -> Iterator[None]:
    """Dagger's own variables among ours, while its command line is started: that inherits them from nowhere else.

    It fetches for the engine whatever a Dockerfile names, as the user it runs for: for strangers, as nobody.
    """
    given = {name: value for name, value in environ.items() if name.startswith(DAGGERS)}
    wanted = {**QUIET, **given, **OURS, **({} if trust.has_credentials else NO_CREDENTIALS)}
    foreign = (*DAGGERS, *NOT_OURS, *(() if trust.has_credentials else CREDENTIALS))
    touched = {*wanted, *(name for name in os.environ if name.startswith(foreign))}
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
        self._end = b""
        self._is_read = threading.Event()

    def write(self, text: str) -> int:
        """Called by the thread that reads what the command line says, until that has ended."""
        self._add(self._stream.feed(text.encode("utf-8", "replace")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """All that the command line says."""
        for line in lines:
            self.write(line)
        self._is_read.set()

    def close(self) -> None:
        """Writes what was held back."""
        if not self._file.closed:
            self._add(self._stream.flush())
            self._file.close()
        super().close()

    def last_words(self) -> str:
        """Why the command line ended, where it did: its last line, once all are there. Closes the log."""
        self._is_read.wait(LAST_WORDS)
        self.close()
        said = COLOURS.sub("", self._end.decode("utf-8", "replace"))
        lines = [line.strip() for line in TRACE.sub("", said).splitlines() if line.strip()]
        return lines[-1].removeprefix("Error: ") if lines else ""

    def _add(self, masked: bytes) -> None:
        self._file.write(masked)
        self._end = (self._end + masked)[-KEPT:]


def end(pids: Iterable[int]) -> None:
    """Ends processes at once."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
