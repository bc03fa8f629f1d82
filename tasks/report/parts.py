"""The parts of a run and when they ran, for its trace. They are noted where they happen, and only the trace reads them.

This module needs nothing but Python: the first parts are those before the imports of a run.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

MAIN = "part"
"""The kind of the parts that follow each other. Together they are the time of a run."""
PREPARE, COMMAND = "prepare", "command"
"""The kinds of the phases of a check."""
BACKGROUND = "background"
"""The kind of work beside the checks."""
CHECKS = "checks"
"""The name of the part in which the checks run. Its start is the zero of their times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """A part of a run, or of a check if `check` is an id. Times are seconds on the monotonic clock."""

    name: str
    kind: str
    started: float
    ended: float
    check: str = ""


@dataclass(slots=True, kw_only=True)
class RunParts:
    """The parts of a run that have ended. `zero` is when the process started, on the monotonic clock."""

    zero: float
    ended: list[RunPart] = field(default_factory=list)


_CURRENT: ContextVar[RunParts | None] = ContextVar("run_parts", default=None)


def begin_parts(zero: float) -> RunParts:
    """From here on, the parts of this process are noted. The time since its start is the first one."""
    parts = RunParts(zero=zero, ended=[RunPart(name="start-up", kind=MAIN, started=zero, ended=time.monotonic())])
    _CURRENT.set(parts)
    return parts


def current_parts() -> RunParts | None:
    """Returns the parts of this run; None in a process that notes none, such as a worker's."""
    return _CURRENT.get()


@contextmanager
def part(name: str, kind: str = MAIN, *, check: str = "") -> Iterator[None]:
    """Notes the block as a part, also if it raises an error."""
    started = time.monotonic()
    try:
        yield
    finally:
        note_part(name, started, kind, check=check)


def note_part(name: str, started: float, kind: str = MAIN, *, check: str = "") -> None:
    """Notes a part that began at `started`, on the monotonic clock, and ends now."""
    if parts := _CURRENT.get():
        parts.ended.append(RunPart(name=name, kind=kind, started=started, ended=time.monotonic(), check=check))
