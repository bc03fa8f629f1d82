"""A place for runs that are killed or crowded: a stack, a caller with a home of its own, and what must not stay."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.cli.caller import LAST, NOWHERE, Caller, Ended, checked, is_alive, processes_of, wait_for
from tests.cli.stack import TinyStack, make_stack
from tests.flows.harness import servers_below

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143, signal.SIGKILL: -9}
"""The exit codes of a run that one of these signals ends."""
PATIENCE = 25.0
"""Seconds that a run may take."""
LEAVES = "setsid sleep 600 & echo $! > $1/child; echo half > made; echo $$ > $1/begun; exec sleep 600"
"""What a check does that has much to leave behind: a child in a session of its own, and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A stack, its caller, and the directory for temporary files of its runs."""

    stack: TinyStack
    caller: Caller
    temp: Path

    @property
    def abandoned(self) -> list[str]:
        """The temporary directories of runs that exist now."""
        data = self.caller.home / ".local/share/predeploy/runs"
        return [path.name for place in (self.temp, data) for path in place.glob("predeploy-*")]

    def pids(self) -> list[int]:
        """The processes that checks have named in their marks."""
        names = [path for path in self.stack.marks.iterdir() if path.name in {"begun", "child"}]
        return [int(word) for path in names for word in path.read_text().split()[:1]]

    def assert_no_process(self, *ended: Ended) -> None:
        """No process of these runs, and none of their checks, is alive."""
        runs = {path.name.strip(".").removesuffix(".partial") for path in self.stack.root.glob(".predeploy/runs/*")}
        pids = self.pids()
        wait_for(lambda: not any(map(is_alive, pids)), "the end of the processes of checks", limit=10)
        for each in ended:
            wait_for(partial(has_none, session=each.session), "the end of the session", limit=10)
        for run in runs:
            wait_for(partial(has_none, session=-1, run=run), "the end of the run", limit=10)

    def assert_whole(self) -> None:
        """All published reports are complete documents."""
        for run in self.stack.runs:
            checked((self.stack.root / ".predeploy/runs" / run / "report.json").read_text())

    def assert_nothing_left(self) -> None:
        """No temporary directory and no partial report is left."""
        assert self.abandoned == [], f"left: {self.abandoned}"
        assert self.stack.hidden == [], f"half-written: {self.stack.hidden}"


@contextmanager
def scene_below(place: Path) -> Iterator[Scene]:
    """An empty scene, which is deleted at the end. Its runs are not recorded."""
    home, temp = place / "home", place / "t"
    for directory in (home, temp):
        directory.mkdir(parents=True)
    (place / "without").mkdir()
    (place / "without/prefect.py").write_text("raise ImportError('not in these runs')\n")
    environ = {"PREFECT_API_URL": NOWHERE, "TMPDIR": str(temp)}
    caller = Caller(home=home, cwd=place, environ=environ, paths=(place / "without",))
    try:
        yield Scene(stack=make_stack(place), caller=caller, temp=temp)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def recorded_scene_below(place: Path) -> Iterator[Scene]:
    """The same with records: the first run starts a server of Prefect, which is ended at the end."""
    with scene_below(place) as scene:
        recorded = replace(scene, caller=replace(scene.caller, environ={"TMPDIR": str(scene.temp)}, paths=()))
        try:
            yield recorded
        finally:
            stop_servers(scene)


def stop_servers(scene: Scene) -> None:
    """Ends the servers of a home."""
    for pid in servers_below(scene.caller.home):
        os.kill(pid, signal.SIGKILL)


def has_none(*, session: int, run: str = "") -> bool:
    """Whether no process of a session or run is alive."""
    return not processes_of(session=session, run=run)


def last_line(ended: Ended) -> dict[str, str]:
    """The fields of the last line. Without one, AssertionError."""
    found = LAST.fullmatch((ended.stdout.splitlines() or [""])[-1])
    assert found, f"no last line: {ended.transcript}"
    return found.groupdict()
