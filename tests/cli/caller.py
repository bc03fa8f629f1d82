"""Runs the command line as a process with arguments and an environment, and captures its streams and exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Literal

import jsonschema

from tests.support.forked import ForkedProcess, fork_server
from tests.support.validate import schema

ROOT = Path(__file__).resolve().parents[2]
LAST = re.compile(
    r"PREDEPLOY (?P<word>[A-Z]+) exit=(?P<exit>\d+) checks=(?P<checks>\d+) failed=(?P<failed>\d+) "
    r"errored=(?P<errored>\d+) skipped=(?P<skipped>\d+) cached=\d+ seconds=(?P<seconds>[\d.]+) engine=\S+ "
    r"report=(?P<report>.+)"
)
# No program listens on port 9 (discard).
NOWHERE = "http://127.0.0.1:9/api"
# Variables that an interpreter reads when it starts.
AT_START = ("PYTHON", "LANG", "LC_", "LD_")
TOKENS = frozenset({"DOPPLER_TOKEN", "PREDEPLOY_TOKEN_FD"})
# What a directory on Python's path may have for a forked call: nothing imports it before the call.
LATE = frozenset({"prefect.py", "__pycache__"})


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The results of a call that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    session: int

    @cached_property
    def last(self) -> dict[str, str]:
        """The fields of the verdict line, which is the last line on stdout, or on stderr if stdout is JSON."""
        where = self.stderr if self.stdout.startswith("{") else self.stdout
        assert where.endswith("\n"), self.transcript
        found = LAST.fullmatch(where.splitlines()[-1])
        assert found, self.transcript
        return found.groupdict()

    @cached_property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout, validated against the schema."""
        return checked(self.stdout)

    @property
    def transcript(self) -> str:
        """Exit code and both streams, for the message of a failed assertion."""
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    def assert_ended(self, code: int, word: str) -> None:
        """Asserts exit code and verdict line, and that no traceback was printed."""
        assert (self.code, self.last["exit"], self.last["word"]) == (code, str(code), word), self.transcript
        assert "Traceback" not in self.stdout + self.stderr, self.transcript


@cache
def validator() -> jsonschema.Draft202012Validator:
    """The validator for the schema of reports."""
    parsed = json.loads(schema())
    assert jsonschema.validators.validator_for(parsed) is jsonschema.Draft202012Validator
    jsonschema.Draft202012Validator.check_schema(parsed)
    return jsonschema.Draft202012Validator(parsed, format_checker=jsonschema.FormatChecker())


def checked(text: str) -> dict[str, Any]:
    """Parses a JSON document and validates it against the schema."""
    document: dict[str, Any] = json.loads(text)
    validator().validate(document)
    return document


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user at a shell, with a home, a current directory and environment variables."""

    home: Path
    cwd: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    """The first directories on Python's path. Without one that replaces Prefect, a forked call has Prefect imported."""
    how: Literal["auto", "fork", "exec"] = "auto"
    """`exec`: each call starts an interpreter. `fork`: no test looks for the token in what /proc shows of the call."""

    @property
    def can_be_forked(self) -> bool:
        """Whether a forked process differs in nothing that matters from one that a new interpreter runs.

        It differs if a variable changes how Python starts, or a module on its path is not the stand-in for Prefect. It
        also differs if a token must be in the environment that /proc shows.
        """
        return not (
            self.how == "exec"
            or not hasattr(os, "pidfd_open")
            or any(name.startswith(AT_START) for name in self.environ)
            or (self.how != "fork" and not TOKENS.isdisjoint(self.environ))
            or any(each.name not in LATE for path in self.paths for each in path.iterdir())
        )

    @property
    def variables(self) -> dict[str, str]:
        """The complete environment of a call. Of the tests' own environment it has only PATH."""
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, (*self.paths, ROOT))),
        }
        return {**base, **self.environ}

    def start(self, *arguments: str | Path, **options: Any) -> "Call":
        """Starts a call in a new session and process group."""
        given = [*map(str, arguments)]
        if self.can_be_forked and not options:
            server = partial(fork_server, *([] if self.paths else ["--prefect"]))
            call = ["predeploy", *given]
            return Call(lambda: ForkedProcess(call, environ=self.variables, cwd=self.cwd, server=server))
        return self.execute([sys.executable, "-m", "flows.predeploy", *given], **options)

    def execute(self, argv: Sequence[str], **options: Any) -> "Call":
        """Starts a program in a new session and process group."""
        usual: dict[str, Any] = {
            "cwd": self.cwd,
            "env": self.variables,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "start_new_session": True,
        }
        return Call(lambda: subprocess.Popen(argv, **{**usual, **options}))

    def run(self, *arguments: str | Path, limit: float = 60, **options: Any) -> Ended:
        """Starts a call and waits for its end. `limit` is in seconds."""
        return self.start(*arguments, **options).wait(limit)


class Call:
    """A running call."""

    def __init__(self, start: Callable[[], "subprocess.Popen[bytes] | ForkedProcess"]) -> None:
        self.begun = time.monotonic()
        self.process = start()

    @property
    def group(self) -> int:
        """The id of its process group and session."""
        return self.process.pid

    def press(self, number: signal.Signals) -> None:
        """Sends a signal to the whole process group, as a terminal does."""
        os.killpg(self.group, number)

    def wait(self, limit: float = 60) -> Ended:
        """Waits for the end. After `limit` seconds, kills the call and raises AssertionError."""
        try:
            stdout, stderr = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(self.group, signal.SIGKILL)
            stdout, stderr = self.process.communicate()
            raise AssertionError(f"still there after {limit} s\n{stdout!r}\n{stderr!r}") from None
        return Ended(
            code=self.process.wait(),
            stdout=(stdout or b"").decode(errors="surrogateescape"),
            stderr=(stderr or b"").decode(errors="surrogateescape"),
            seconds=time.monotonic() - self.begun,
            session=self.group,
        )


def wait_for(condition: Callable[[], Any], what: str, limit: float = 30) -> None:
    """Polls until the condition is true. Raises AssertionError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting for {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs; False for a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processes_of(*, session: int, run: str = "") -> list[str]:
    """Returns the command lines of live processes in a session or with PREDEPLOY_RUN of a run."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and is_alive(int(place.name)):
            try:
                own = int((place / "stat").read_text().rpartition(")")[2].split()[3])
                marked = run and f"PREDEPLOY_RUN={run}/" in (place / "environ").read_bytes().decode(errors="replace")
                if own == session or marked:
                    found.append((place / "cmdline").read_bytes().decode(errors="replace").replace("\0", " "))
            except OSError:
                continue
    return found
