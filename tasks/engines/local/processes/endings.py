"""Turns the facts that a reaper reports into an Exit."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.exits import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The report of a reaper. `left` is None until its last line. `stage` is the stage of a failed start.

    `cpu` has the processor time of the command and its descendants, in seconds.
    """

    pid: int | None = None
    exit: int | None = None
    signal: int | None = None
    rss_kb: int = 0
    cpu: float = 0.0
    oom: bool = False
    left: int | None = None
    stuck: int = 0
    stage: str = ""
    errno: int = 0


def explain(facts: Facts, argv: Sequence[str]) -> Exit:
    """The exit of the command, without its output."""
    if facts.stage == "exec":
        return _explain_not_executed(facts.errno, argv[0])
    if facts.stage:
        detail = f"{argv[0]} could not be started ({facts.stage}: {os.strerror(facts.errno)})"
        return Exit(code=None, trouble="not_started", detail=detail)
    if facts.left is None:
        detail = f"the supervisor of {argv[0]} was killed, and all processes below it"
        return Exit(code=None, trouble="engine_lost", detail=detail)
    if facts.oom:
        detail = f"the machine ran out of memory while {argv[0]} ran ({facts.rss_kb // 1024} MB of its own)"
        return Exit(code=facts.exit, signal=facts.signal, trouble="out_of_memory", detail=detail)
    detail = f"{facts.stuck} of its processes cannot be killed" if facts.stuck else ""
    return Exit(code=facts.exit, signal=facts.signal, detail=detail, cpu=facts.cpu)


def summarize(ended: Exit, facts: Facts, duration: float) -> str:
    """The end of the command, on one line for the log."""
    how = f"exit {ended.code}" if ended.code is not None else f"signal {ended.signal}" if ended.signal else "no exit"
    left = f", left-over processes killed: {facts.left}" if facts.left else ""
    detail = f": {ended.detail}" if ended.detail else ""
    return f"{how} after {duration:.2f} s, {facts.rss_kb // 1024} MB{left}{detail}"


def _explain_not_executed(number: int, program: str) -> Exit:
    """Exit codes 127 and 126, as in a shell."""
    if number not in (errno.ENOENT, errno.ENOTDIR):
        return Exit(code=126, detail=f"{program} cannot be executed: {os.strerror(number)}")
    if os.sep in program:
        return Exit(code=127, detail=f"{program} does not exist, or the interpreter in its first line does not")
    return Exit(code=127, detail=f"{program} was not found on PATH")
