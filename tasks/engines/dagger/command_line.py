"""Dagger's command line, which its client starts: its variables, its processes and its output."""

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

# no telemetry, no check for updates, and time to shut down
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGGER_NO_UPDATE_CHECK": "1",
    "DAGGER_NO_NAG": "1",
    "_EXPERIMENTAL_DAGGER_SHUTDOWN_TIMEOUT": "15s",
}
# always: the progress `plain` costs seconds, and the logs of predeploy have the output
OURS = {"DAGGER_PROGRESS": "dots", "NO_COLOR": "1"}
LAST_WORDS = 0.5
"""Seconds to read the rest of the output after the end of the command line."""
KEPT = 4096
COLOURS, TRACE = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"\[traceparent:[^]]*\]")
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
"""Names an installed command line. Without it, Dagger's client downloads its own version, once per cache."""
DAGGERS = ("DAGGER_", "_EXPERIMENTAL_DAGGER_")
# they export traces, and make the client change the logging configuration
NOT_OURS = ("OTEL_", "DAGGER_CLOUD_TOKEN")
NO_CREDENTIALS = {"DOCKER_CONFIG": str(Path(__file__).with_name("nobody")), "GIT_CONFIG_GLOBAL": os.devnull}
"""Configuration without credentials. Its one entry is for an invalid address: an empty file selects the keychain."""
CREDENTIALS = ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "SSH_AUTH_SOCK", "GIT_ASKPASS", "SSH_ASKPASS")


@contextlib.contextmanager
def variables_for_cli(environ: Mapping[str, str], trust: Trust = TRUSTED) -> Iterator[None]:
    """Sets Dagger's variables in the environment of this process, from which the command line inherits them.

    The command line pulls the images in a Dockerfile with the user's credentials. Untrusted code gets none.
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
    """The pids of Dagger's command lines that this process has started."""
    return [pid for pid, parent in list_processes() if parent == os.getpid() and is_cli(pid)]


def is_cli(pid: int) -> bool:
    """Whether a process is a `dagger session` of its Python client."""
    try:
        return b"dagger.io/sdk.name:python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class MaskedLog(io.TextIOBase):
    """A log that redacts its input. It has no descriptor, so the command line cannot bypass it."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file, self._stream = path.open("ab", buffering=0), redactor.stream()
        self._end = b""
        self._is_read = threading.Event()

    def write(self, text: str) -> int:
        """The thread that reads the command line's output calls it."""
        self._add(self._stream.feed(text.encode("utf-8", "replace")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Writes the output of the command line until its end."""
        for line in lines:
            self.write(line)
        self._is_read.set()

    def close(self) -> None:
        """Writes the rest that the redactor has held back."""
        if not self._file.closed:
            self._add(self._stream.flush())
            self._file.close()
        super().close()

    def last_words(self) -> str:
        """The last line of the command line's output, which has the reason of its end. Closes the log."""
        self._is_read.wait(LAST_WORDS)
        self.close()
        said = COLOURS.sub("", self._end.decode("utf-8", "replace"))
        lines = [line.strip() for line in TRACE.sub("", said).splitlines() if line.strip()]
        return lines[-1].removeprefix("Error: ") if lines else ""

    def _add(self, masked: bytes) -> None:
        self._file.write(masked)
        self._end = (self._end + masked)[-KEPT:]


def end(pids: Iterable[int]) -> None:
    """Kills processes."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
