"""Two equal commands at once on the same files: the second one waits for the first, and prints its report."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.cli.receipt.answer import ASKED, Answer
from flows.cli.receipt.facts import current_facts, facts_of, request_of
from flows.cli.receipt.kept import drop_old, kept_report, serves_others
from flows.cli.start_time import seconds_waited
from tasks.execution.reuse.sealed import make_secret, read_sealed, write_sealed
from tasks.locks import open_lock_file, try_lock
from tasks.models import Outcome, Report
from tasks.report.last_line import last_line
from tasks.validation.job import Job
from tasks.validation.reused import may_reuse

JOINS = "joins"
PAUSE = 0.1
"""Seconds between two looks at the lock of the first run."""
BEAT = 30.0
"""Seconds between two signs of life."""
Note = Callable[[str], None]


class Outdated(Exception):  # noqa: N818 - no error: the command begins again
    """Files, git or this machine changed while this process waited: its scope is out of date."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """The right to run a command on these files, which one process has at a time. Without `file`, runs do not join.

    `found` is the answer of another run, for which this process has waited. Then it has nothing to run.
    """

    found: Answer | None = None
    file: Path | None = None
    secret: bytes = field(default=b"", repr=False)

    def leave(self, report: Report, text: str, job: Job, place: Path) -> None:
        """Leaves the report for the processes that wait for it. `place` is its directory.

        A run without a verdict leaves none: whatever was in its way may be gone, so the next process tries again.
        """
        if self.file is None or not report.directory or report.verdict.outcome not in {Outcome.PASSED, Outcome.FAILED}:
            return
        left = {
            "ended": time.time(),
            "outcome": report.verdict.outcome.value,
            "code": report.verdict.exit_code,
            **kept_report(report, text, job, place),
        }
        write_sealed(self.file, self.secret, json.dumps(left).encode())


@contextlib.contextmanager
def take_turn(job: Job, note: Note) -> Iterator[Turn]:
    """Waits for a run of the same command on the same files, and yields its answer, or else the turn of this process.

    If the first run ends without a verdict, this process runs the command itself. Raises Outdated if the files have
    changed meanwhile.
    """
    secret = make_secret(job.user_dirs.data) if may_join(job) else b""
    descriptor = -1
    try:
        turn = Turn()
        with contextlib.suppress(OSError):  # without locks or room for them, each command runs
            if secret:
                facts = facts_of(job.scope.tree, job.environ, secret)
                file = file_of(job, facts, secret)
                file.parent.mkdir(parents=True, exist_ok=True)
                descriptor = open_lock_file(file.with_suffix(".lock"))
                turn = _turn_of(job, facts, Turn(file=file, secret=secret), descriptor, note)
        yield turn
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def may_join(job: Job) -> bool:
    """Whether another process may use the report of this run, and the other way round.

    As for results of earlier runs, it must not depend on anything but the files, the command and this machine.
    """
    if not serves_others(job) or not may_reuse(job):
        return False
    programs = (program for check in job.scope.plan.checks for program in check.programs)
    return not any(each.volatile and not each.daily for each in programs)


def file_of(job: Job, facts: Mapping[str, str], secret: bytes) -> Path:
    """Returns the file for the report of this command on these files, with this deployed commit."""
    identity = json.dumps([facts, job.scope.deployed], sort_keys=True).encode("utf-8", "surrogatepass")
    name = hashlib.blake2b(identity, key=secret, digest_size=24)
    name.update(request_of(ASKED.command, secret).encode())
    return job.user_dirs.cache / JOINS / f"{name.hexdigest()}.json"


def _turn_of(job: Job, facts: Mapping[str, str], turn: Turn, descriptor: int, note: Note) -> Turn:
    """Takes the lock. If another process has it, waits for its end and looks for its report."""
    assert turn.file is not None
    asked = time.time()
    if not try_lock(descriptor):
        _wait(descriptor, note)
        if current_facts(job.scope.tree.root, job.user_dirs.cache, job.environ, turn.secret) != facts:
            note("something has changed since that run began, so this command begins again")
            raise Outdated
        if found := _answer_in(turn.file, turn.secret, asked):
            return Turn(found=found)
        note("the other run has ended without a verdict, so this command runs")
    turn.file.unlink(missing_ok=True)  # no process that waits takes an earlier report for that of this run
    os.utime(descriptor)
    drop_old(turn.file.parent)
    return turn


def _wait(descriptor: int, note: Note) -> None:
    note("the same command is running on the same files: waiting for its report")
    begun = shown = time.monotonic()
    while not try_lock(descriptor):
        time.sleep(PAUSE)
        if time.monotonic() - shown >= BEAT:
            shown = time.monotonic()
            note(f"still waiting for the report of the same command, {shown - begun:.0f} s")


def _answer_in(file: Path, secret: bytes, asked: float) -> Answer | None:
    """Returns the answer that a run has left which ended after this process had asked for it."""
    content = read_sealed(file, secret)
    left: Any = json.loads(content) if content else None
    if left is None or left["ended"] < asked:
        return None
    try:
        document = Path(left["report"]).read_text(encoding="utf-8")
    except OSError:
        return None
    last = last_line(
        Outcome(left["outcome"]),
        left["code"],
        **left["counts"],
        seconds=seconds_waited(),
        engine=left["engine"],
        report=left["shown"],
    )
    head = f"The run {left['run']} was validating the same files: this is its report."
    people = f"{left['text']}\n{head}\n{last}"
    return Answer(people=people, document=document if left["json"] else "", code=left["code"])
