"""Attacks by signals: a run is killed at one moment, by many signals, or together with other runs."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.attacks.attack import SEED, Attack
from tests.attacks.scene import CODES, LEAVES, PATIENCE, Scene, last_line, scene_below
from tests.cli.caller import Call, Ended, wait_for
from tests.cli.test_signals import catches_signals

STORM = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT, signal.SIGWINCH, signal.SIGSTOP)
"""The signals of a storm. SIGSTOP is followed by SIGCONT."""
STORMS, CROWDS = 12, 4
CROWD = 6
"""Runs of one stack that are killed together."""


def handles_signals(scene: Scene, call: Call) -> None:
    """Python has started, and nothing else."""
    wait_for(lambda: catches_signals(call), "the first handler", PATIENCE)


def imports(scene: Scene, call: Call) -> None:
    """The modules of a run are imported."""
    handles_signals(scene, call)
    time.sleep(0.1)


def makes_run_directory(scene: Scene, call: Call) -> None:
    """The directory of the report exists."""
    wait_for(lambda: [*scene.stack.root.glob(".predeploy/runs/.*")], "the run's directory", PATIENCE)


def starts_engine(scene: Scene, call: Call) -> None:
    """The engine makes its temporary directories."""
    wait_for(lambda: scene.abandoned, "the engine", PATIENCE)


def runs_quick_check(scene: Scene, call: Call) -> None:
    """The first check has begun."""
    wait_for(scene.stack.mark("quick").exists, "the quick check", PATIENCE)


def runs_long_check(scene: Scene, call: Call) -> None:
    """A check is at work that has a child in a session of its own."""
    wait_for(scene.pids, "the long check", PATIENCE)


def writes_report(scene: Scene, call: Call) -> None:
    """The last check has ended."""
    wait_for(scene.stack.mark("last").exists, "the last check", PATIENCE)
    time.sleep(0.02)


Moment = Callable[[Scene, Call], None]
MOMENTS: tuple[Moment, ...] = (
    *(handles_signals, imports, makes_run_directory, starts_engine),
    *(runs_quick_check, runs_long_check, writes_report),
)


def kill_attacks(place: Path) -> Iterator[Attack]:
    """Each signal at each moment, storms of signals, and crowds of runs that are killed together."""
    for number in CODES:
        for moment in MOMENTS:
            name = f"{number.name} {moment.__name__}"
            survives = partial(kill_once, place / f"k{number}{moment.__name__[:8]}", number, moment)
            yield Attack(category="kills", name=name, survives=survives)
    for each in range(STORMS):
        yield Attack(category="storms of signals", name=f"{each}", survives=partial(storm, place / f"s{each}", each))
    for each in range(CROWDS):
        survives = partial(kill_crowd, place / f"c{each}", each)
        yield Attack(category="crowds that are killed", name=f"{each}", survives=survives)


def prepare(scene: Scene, *, is_endless: bool) -> None:
    """Gives the stack its checks."""
    scene.stack.has("quick", "touch $1/quick")
    scene.stack.has("long", LEAVES if is_endless else "touch $1/last", needs="quick")


def kill_once(place: Path, number: signal.Signals, moment: Moment) -> None:
    """Sends one signal to a run at a moment. The end is right, nothing is left, and the next run passes."""
    with scene_below(place) as scene:
        prepare(scene, is_endless=moment is not writes_report)
        is_early = moment in {handles_signals, imports}
        caller = replace(scene.caller, how="exec") if is_early else scene.caller
        before = scene.stack.content()
        call = caller.start(scene.stack.root)
        moment(scene, call)
        call.press(number)
        ended = call.wait(PATIENCE)

        assert_end(scene, ended, number)
        if number is not signal.SIGKILL:
            scene.assert_nothing_left()
        assert_next_run(scene)
        assert scene.stack.content() == before


def assert_end(scene: Scene, ended: Ended, number: signal.Signals) -> None:
    """The exit code is that of the signal, or of a run that had ended before it came."""
    last = last_line(ended) if number is not signal.SIGKILL or ended.stdout else {"exit": "3"}
    given = {-9: 3}.get(ended.code, ended.code)
    assert ended.code in {CODES[number], 0}, ended.transcript
    assert int(last["exit"]) == given, ended.transcript
    assert "Traceback" not in ended.stdout + ended.stderr, ended.transcript
    scene.assert_no_process(ended)
    scene.assert_whole()


def assert_next_run(scene: Scene) -> None:
    """The next run passes, and leaves nothing: no file of its own, and none of the runs before."""
    scene.caller.run(scene.stack.root, "--only", "quick", limit=PATIENCE).assert_ended(0, "PASSED")
    scene.assert_nothing_left()
    scene.assert_whole()


def storm(place: Path, each: int) -> None:
    """Sends a dozen signals in random order to one run."""
    chance = random.Random(SEED + each)
    with scene_below(place) as scene:
        prepare(scene, is_endless=True)
        before = scene.stack.content()
        call = scene.caller.start(scene.stack.root)
        chance.choice(MOMENTS[2:-1])(scene, call)
        sent = blow(call, chance)
        ended = call.wait(PATIENCE)

        assert ended.code in {130, 143}, f"{sent}: {ended.transcript}"
        assert int(last_line(ended)["exit"]) == ended.code, f"{sent}: {ended.transcript}"
        assert ended.stdout.count("PREDEPLOY ") == 1, f"{sent}: {ended.transcript}"
        scene.assert_no_process(ended)
        assert_next_run(scene)
        assert scene.stack.content() == before


def blow(call: Call, chance: random.Random) -> list[str]:
    """Sends the signals of a storm, one of which ends the run. Returns their names."""
    numbers = [*chance.choices(STORM, k=11), chance.choice(STORM[:3])]
    sent = []
    for number in numbers:
        try:
            call.press(number)
            time.sleep(chance.uniform(0, 0.04))
            if number is signal.SIGSTOP:
                call.press(signal.SIGCONT)
        except ProcessLookupError:
            break
        sent.append(number.name)
    return sent


def kill_crowd(place: Path, each: int) -> None:
    """Kills several runs of one stack together. One later run cleans up after all of them."""
    chance = random.Random(SEED + each)
    with scene_below(place) as scene:
        prepare(scene, is_endless=True)
        calls = [scene.caller.start(scene.stack.root) for _ in range(CROWD)]
        time.sleep(chance.uniform(0.1, 3))
        for call in calls:
            call.press(signal.SIGKILL)
        scene.assert_no_process(*(call.wait(PATIENCE) for call in calls))
        scene.assert_whole()
        assert_next_run(scene)
