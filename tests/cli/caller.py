"""The command line as its caller sees it: a process with arguments, an environment, two streams and an exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema

from tests.support.validate import schema

ROOT = Path(__file__).resolve().parents[2]
LAST = re.compile(
    r"PREDEPLOY (?P<word>[A-Z]+) exit=(?P<exit>\d+) checks=(?P<checks>\d+) failed=(?P<failed>\d+) "
    r"errored=(?P<errored>\d+) skipped=(?P<skipped>\d+) cached=\d+ seconds=(?P<seconds>[\d.]+) engine=\S+ "
    r"report=(?P<report>.+)"
)
# Nobody listens on the port for discarding.
NOWHERE = "http://127.0.0.1:9/api"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is left of a call."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    session: int

    @cached_property
    def last(self) -> dict[str, str]:
        """The last line, wherever it belongs; nothing stands behind it."""
        where = self.stderr if self.stdout.startswith("{") else self.stdout
        assert where.endswith("\n"), self.told
        found = LAST.fullmatch(where.splitlines()[-1])
        assert found, self.told
        return found.groupdict()

    @cached_property
    def document(self) -> dict[str, Any]:
        """The one document on stdout, as the schema has it."""
        return checked(self.stdout)

    @property
    def told(self) -> str:
        """Everything, for a failing assertion."""
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    def assert_ended(self, code: int, word: str) -> None:
        """Exit code and last line agree, and no traceback was shown."""
        assert (self.code, self.last["exit"], self.last["word"]) == (code, str(code), word), self.told
        assert "Traceback" not in self.stdout + self.stderr, self.told


def checked(text: str) -> dict[str, Any]:
    """A document that the schema allows."""
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, json.loads(schema()), format_checker=jsonschema.FormatChecker())
    return document


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody at a shell, with a home, a directory that they are in, and variables of their own."""

    home: Path
    cwd: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """Nothing of the environment of the tests but what programs are found by."""
        ours = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, (*self.paths, ROOT))),
        }
        return {**ours, **self.environ}

    def start(self, *arguments: str | Path, **options: Any) -> "Call":
        """Begins a call, in a process group of its own like a shell's job."""
        return Call(self, [sys.executable, "-m", "flows.predeploy", *map(str, arguments)], options)

    def run(self, *arguments: str | Path, limit: float = 60, **options: Any) -> Ended:
        """A call to its end."""
        return self.start(*arguments, **options).wait(limit)


class Call:
    """A call that goes on."""

    def __init__(self, caller: Caller, argv: list[str], options: Mapping[str, Any]) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            **{
                "cwd": caller.cwd,
                "env": caller.variables,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "start_new_session": True,
                **options,
            },
        )

    @property
    def group(self) -> int:
        """Its process group and session."""
        return self.process.pid

    def press(self, number: signal.Signals) -> None:
        """What a terminal does: the signal goes to the whole group."""
        os.killpg(self.group, number)

    def wait(self, limit: float = 60) -> Ended:
        """Until it has ended, which it has to do soon."""
        try:
            stdout, stderr = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(self.group, signal.SIGKILL)
            stdout, stderr = self.process.communicate()
            raise AssertionError(f"still there after {limit} s\n{stdout!r}\n{stderr!r}") from None
        return Ended(
            code=self.process.returncode,
            stdout=(stdout or b"").decode(errors="surrogateescape"),
            stderr=(stderr or b"").decode(errors="surrogateescape"),
            seconds=time.monotonic() - self.begun,
            session=self.group,
        )


def wait_for(condition: Callable[[], Any], what: str, limit: float = 30) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs: neither gone nor waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processes_of(*, session: int, run: str = "") -> list[str]:
    """Command lines of what lives in a session, or carries the mark of a run."""
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
