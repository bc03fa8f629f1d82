"""Attacks by numbers: many runs at once, of one stack and of different ones."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tasks.report.publish import KEPT
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene, recorded_scene_below, scene_below
from tests.cli.stack import FAILS, TinyStack, make_stack
from tests.cli.test_outcomes import status_of
from tests.flows.harness import servers_below

OF_ONE, OF_DIFFERENT, OF_WORKTREES = 20, 12, 20
LIMIT = 240
MEETS = "echo $$ >> $1/met; while [ $(wc -l < $1/met) -lt {runs} ]; do sleep 0.2; done"
"""A check that passes only when all runs are at work."""


def crowd_attacks(place: Path) -> Iterator[Attack]:
    """Runs at once: each gets its own result, all reports are kept, and nothing is left."""
    survives = partial(many_of_one, place / "one")
    yield Attack(category="runs at once", name=f"{OF_ONE} of one stack", survives=survives, limit=LIMIT)
    survives = partial(many_worktrees, place / "worktrees")
    yield Attack(category="runs at once", name=f"{OF_WORKTREES} in worktrees", survives=survives, limit=LIMIT)
    survives = partial(many_different, place / "different")
    yield Attack(category="runs at once", name=f"{OF_DIFFERENT} of different stacks", survives=survives, limit=LIMIT)


def many_of_one(place: Path) -> None:
    """All runs of one stack pass, and each has its report."""
    with scene_below(place) as scene:
        scene.stack.has("meets", MEETS.format(runs=OF_ONE))
        scene.stack.has("reads", "grep -q hello main.py; echo more >> main.py", needs="meets")
        before = scene.stack.content()
        run_at_once(scene, [scene.stack] * OF_ONE, {})
        assert len(scene.stack.runs) == min(OF_ONE, KEPT), scene.stack.runs
        assert [scene.stack.report(run)["result"] for run in scene.stack.runs] == ["passed"] * OF_ONE
        assert scene.stack.content() == before


def many_worktrees(place: Path) -> None:
    """Runs in worktrees of one repository: each verdict is about its own files, and one server has all records."""
    with recorded_scene_below(place) as scene:
        scene.stack.has("meets", MEETS.format(runs=OF_WORKTREES))
        scene.stack.has("reads", "grep -qx right main.py", needs="meets")
        (scene.stack.root / "main.py").write_text("right\n")
        scene.stack.commit()
        stacks = [scene.stack.worktree(place / f"w{number}") for number in range(OF_WORKTREES)]
        wrong = range(0, OF_WORKTREES, 3)
        for number in wrong:
            (stacks[number].root / "main.py").write_text(f"wrong {number}\n")
        run_at_once(scene, stacks, dict.fromkeys(wrong, 1))
        reports = [stack.report() for stack in stacks]
        assert [status_of(each)["meets"] for each in reports] == ["passed"] * OF_WORKTREES
        found = [status_of(each)["reads"] for each in reports]
        assert found == ["failed" if number in wrong else "passed" for number in range(OF_WORKTREES)]
        assert [each["run"]["unrecorded"] for each in reports] == [None] * OF_WORKTREES
        assert len(servers_below(scene.caller.home)) == 1
        assert len({each["run"]["url"].partition("/runs/")[0] for each in reports}) == 1
        assert len({each["run"]["url"] for each in reports}) == OF_WORKTREES


def many_different(place: Path) -> None:
    """Runs of different stacks: each verdict is about its own stack, and every third one is red."""
    with scene_below(place) as scene:
        stacks = [make_stack(place / f"s{number}", marks=scene.stack.marks) for number in range(OF_DIFFERENT)]
        for number, stack in enumerate(stacks):
            (stack.root / "main.py").write_text(f"number = {number}\n")
            stack.has("meets", MEETS.format(runs=OF_DIFFERENT))
            stack.has("reads", f"grep -qx 'number = {number}' main.py", needs="meets")
            if number % 3 == 0:
                stack.has("broken", FAILS)
        run_at_once(scene, stacks, dict.fromkeys(range(0, OF_DIFFERENT, 3), 1))
        for stack in stacks:
            statuses = status_of(stack.report())
            assert (statuses["meets"], statuses["reads"]) == ("passed", "passed"), statuses
            assert stack.hidden == []


def run_at_once(scene: Scene, stacks: list[TinyStack], codes: dict[int, int]) -> None:
    """Starts one run of each stack, and compares the exit codes. Nothing of the runs is left."""
    calls = [scene.caller.start(stack.root) for stack in stacks]
    ended = [call.wait(LIMIT) for call in calls]
    for number, each in enumerate(ended):
        each.assert_ended(*((1, "FAILED") if codes.get(number) else (0, "PASSED")))
    scene.assert_no_process(*ended)
    scene.assert_nothing_left()
    scene.assert_whole()
