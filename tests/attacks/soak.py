"""An attack by time: many recorded runs in a row. Memory, file descriptors, disk and history stay flat."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tasks.report.publish import KEPT
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene, recorded_scene_below
from tests.flows.harness import places_in, servers_below

RUNS, SHORT = 200, 30
WARM = 20
"""Runs before the first measurement: as many as a stack keeps reports."""
LIMIT = 120
MEGABYTE = 1 << 20
TOLERATED = {"server's memory": 0.15, "server's descriptors": 0.2, "memory of a run": 0.1, "disk": 0.1, "files": 0.02}
"""The growth of each quantity from the first to the last measurement that is no leak."""


@dataclass(slots=True, kw_only=True)
class Soak:
    """A scene that lasts for all runs, and its measurements: number of runs, and quantities by name."""

    place: Path
    stack: ExitStack = field(default_factory=ExitStack)
    scenes: list[Scene] = field(default_factory=list)
    measured: dict[int, dict[str, float]] = field(default_factory=dict)


def soak_attacks(place: Path, runs: int = RUNS) -> Iterator[Attack]:
    """A number of runs in a row, each of which passes, and then one attack for each quantity that must not grow."""
    soak = Soak(place=place / "soak")
    yield Attack(category="soak", name="begin", survives=partial(begin, soak), limit=LIMIT)
    for number in range(1, runs + 1):
        is_measured = number in {WARM, runs} or number % 40 == 0
        survives = partial(run_again, soak, number, is_measured=is_measured)
        yield Attack(category="soak", name=f"run {number}", survives=survives, limit=LIMIT)
    for quantity in TOLERATED:
        yield Attack(category="soak", name=quantity, survives=partial(is_flat, soak, quantity))
    yield Attack(category="soak", name="history", survives=partial(grows_evenly, soak))
    yield Attack(category="soak", name="end", survives=partial(finish, soak))


def begin(soak: Soak) -> None:
    """Makes a stack with two checks, and starts a server of Prefect with the first run."""
    scene = soak.stack.enter_context(recorded_scene_below(soak.place))
    scene.stack.has("words", "echo more >> main.py")
    scene.stack.has("later", "ls /proc/self/fd | wc -l > $1/descriptors", needs="words")
    places_in(scene.caller.home).start()
    soak.scenes.append(scene)


def run_again(soak: Soak, number: int, *, is_measured: bool) -> None:
    """One run: it passes, is recorded, and leaves nothing."""
    (scene,) = soak.scenes
    ended = scene.caller.run(scene.stack.root, limit=LIMIT)
    ended.assert_ended(0, "PASSED")
    assert scene.stack.report()["run"]["unrecorded"] is None, ended.transcript
    scene.assert_no_process(ended)
    scene.assert_nothing_left()
    assert len(scene.stack.runs) <= KEPT
    if is_measured:
        soak.measured[number] = measure(scene)


def measure(scene: Scene) -> dict[str, float]:
    """The quantities now. Memory is in MB, the disk without the history, too."""
    (server,) = servers_below(scene.caller.home)
    memory = memory_of_run(scene)
    database = sum(path.stat().st_size for path in scene.caller.home.rglob("prefect.db*"))
    roots = (scene.caller.home, scene.stack.root, scene.temp)
    files = [path for root in roots for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        "server's memory": memory_of(server),
        "server's descriptors": len(os.listdir(f"/proc/{server}/fd")),  # noqa: PTH208
        "memory of a run": memory,
        "disk": (sum(path.stat().st_size for path in files) - database) / MEGABYTE,
        "files": len(files),
        "history": database / MEGABYTE,
    }


def memory_of(pid: int) -> float:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def memory_of_run(scene: Scene) -> float:
    """The peak memory of a run that is a process of its own."""
    argv = [sys.executable, "-m", "flows.predeploy", str(scene.stack.root)]
    process = subprocess.Popen(argv, env=scene.caller.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


def is_flat(soak: Soak, quantity: str) -> str | None:
    """Whether a quantity grew by no more than is tolerated."""
    values = [each[quantity] for each in soak.measured.values()]
    text = f"{quantity}: " + ", ".join(f"{value:.1f}" for value in values)
    print(text, file=sys.stderr)  # noqa: T201 - the figures of the soak
    return None if values[-1] <= values[0] * (1 + TOLERATED[quantity]) else text


def grows_evenly(soak: Soak) -> str | None:
    """Whether a run adds no more to the history at the end than at the beginning. `maintain` deletes old runs of it."""
    counts, values = [*soak.measured], [each["history"] for each in soak.measured.values()]
    each = [
        (after - before) / (to - since)
        for before, after, since, to in zip(values, values[1:], counts, counts[1:], strict=False)
    ]
    text = "history: " + ", ".join(f"{value:.3f}" for value in each) + " MB per run"
    print(text, file=sys.stderr)  # noqa: T201
    return None if not each or each[-1] <= max(each[0] * 1.5, 0.05) else text


def finish(soak: Soak) -> None:
    """Ends the server, and deletes the scene."""
    soak.stack.close()
