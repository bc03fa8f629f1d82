"""Two equal commands at once: the second one waits for the first, and prints its report if it still fits."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.cli.endings import Streams
from flows.cli.invocation import Caller
from flows.cli.main import ValidationRequest, run_command, validate
from flows.cli.receipt.answer import ASKED, Answer
from flows.cli.receipt.join import Outdated, Turn, may_join, take_turn
from flows.cli.signals import Interruption
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import Outcome, Report, Verdict
from tasks.validation.job import Job
from tests.cli.caller import wait_for
from tests.cli.test_receipt import UNCERTAIN, World, with_settings, world

__all__ = ["world"]

WAITING = "the same command is running on the same files: waiting for its report"


@pytest.fixture
def job(world: World) -> Job:
    """The job of a stack with a site, whose checks read nothing but its files."""
    (world.stack / "predeploy.toml").unlink()
    (world.stack / "package.json").write_text('{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6"}}')
    (world.stack / "index.html").write_text("<p>hello</p>\n")
    world.ask()
    return world.job()


class Second:
    """The second command, which waits in a thread of its own."""

    def __init__(self, job: Job, threads: ThreadPoolExecutor) -> None:
        self.notes: list[str] = []
        self.turn: Future[Turn] = threads.submit(self._take, job)

    def _take(self, job: Job) -> Turn:
        with take_turn(job, self.notes.append) as turn:
            return turn


@contextmanager
def second(job: Job) -> Iterator[Second]:
    """A second command that has begun to wait for the first one."""
    with ThreadPoolExecutor(1) as threads:
        started = Second(job, threads)
        wait_for(lambda: started.notes or started.turn.done(), "the second command")
        yield started


def silent(_: str) -> None: ...


def red(world: World) -> Report:
    return world.report(verdict=Verdict(outcome=Outcome.FAILED, exit_code=1, reason="red"))


def leave(turn: Turn, report: Report, job: Job) -> None:
    turn.leave(report, "the whole report", job, Path(report.place))


def test_second_command_gets_the_report_of_the_first_one(world: World, job: Job) -> None:
    with ExitStack() as first:
        turn = first.enter_context(take_turn(job, silent))
        with second(job) as waiting:
            leave(turn, red(world), job)
            first.close()

    found = waiting.turn.result().found
    assert waiting.notes == [WAITING]
    assert found is not None
    assert found.code == 1
    text, head, last = found.people.splitlines()
    assert text == "the whole report"
    assert head == f"The run {job.run_id} was validating the same files: this is its report."
    assert last.startswith("PREDEPLOY FAILED exit=1 checks=9 failed=0 errored=0 skipped=0 cached=")


def test_second_command_runs_if_the_first_one_ends_without_a_verdict(world: World, job: Job) -> None:
    interrupted = world.report(verdict=Verdict(outcome=Outcome.INTERRUPTED, exit_code=130, reason="interrupted"))
    with ExitStack() as first:
        turn = first.enter_context(take_turn(job, silent))
        with second(job) as waiting:
            leave(turn, interrupted, job)
            first.close()

    assert waiting.turn.result().found is None
    assert waiting.notes == [WAITING, "the other run has ended without a verdict, so this command runs"]


def test_second_command_begins_again_if_the_files_have_changed_meanwhile(world: World, job: Job) -> None:
    with ExitStack() as first:
        turn = first.enter_context(take_turn(job, silent))
        with second(job) as waiting:
            (world.stack / "app.py").write_text("print(2)\n")
            leave(turn, world.report(), job)
            first.close()

    assert isinstance(waiting.turn.exception(), Outdated)
    assert waiting.notes[1:] == ["something has changed since that run began, so this command begins again"]


def test_command_that_begins_again_reads_the_files_again(
    world: World, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def validated(request: ValidationRequest, *_: object) -> int:
        seen.append(set(request.scope.tree.files))
        if len(seen) > 1:
            return 0
        (world.stack / "later.py").touch()
        raise Outdated

    monkeypatch.setattr(main, "validate", validated)
    given = Caller(environ=world.environ, token=None, exposure=NOTHING_EXPOSED, load_flow=lambda: None)
    with ExitStack() as opened:
        assert run_command(["--engine", "local"], given, Streams(json_output=False), Interruption(), opened) == 0
    assert seen[1] - seen[0] == {"later.py"}


def test_report_of_a_run_that_has_ended_before_is_not_used(world: World, job: Job) -> None:
    with take_turn(job, silent) as turn:
        leave(turn, world.report(), job)
    assert turn.file is not None
    left = turn.file.read_bytes()

    with ExitStack() as first:
        first.enter_context(take_turn(job, silent))
        with second(job) as waiting:
            turn.file.write_bytes(left)  # as if this run had been killed before it could delete the file
            first.close()

    assert waiting.turn.result().found is None


def with_another_file(world: World, _: Job) -> Job:
    (world.stack / "app.py").write_text("print(2)\n")
    return world.job()


def with_another_base(_: World, job: Job) -> Job:
    return replace(job, scope=replace(job.scope, deployed=("f" * 40, "named")))


def with_another_variable(world: World, job: Job) -> Job:
    world.environ.update(DEBUG="1")
    world.ask()
    return job


def with_other_arguments(world: World, job: Job) -> Job:
    world.ask("--only", "site_site")
    return job


CHANGES: tuple[Callable[[World, Job], Job], ...] = (
    with_another_file,
    with_another_base,
    with_another_variable,
    with_other_arguments,
)


@pytest.mark.parametrize("change", CHANGES)
def test_other_command_does_not_wait(world: World, job: Job, change: Callable[[World, Job], Job]) -> None:
    with take_turn(job, silent):
        other = change(world, job)
        notes: list[str] = []
        with take_turn(other, notes.append) as turn:
            assert turn.found is None
    assert notes == []


@pytest.mark.parametrize("why", ["a secret", "a deployment", "a job of CI"])
def test_uncertain_command_joins_no_other(job: Job, why: str) -> None:
    assert may_join(job)
    assert not may_join(UNCERTAIN[why](job))


def test_gate_and_runs_without_reuse_join_no_other(job: Job) -> None:
    assert not may_join(with_settings(job, gate=True))
    assert not may_join(with_settings(job, reuse=False))


def test_fresh_run_joins_only_a_fresh_one(world: World, job: Job) -> None:
    usual = ASKED.command
    world.ask("--fresh")

    assert ASKED.command
    assert ASKED.command != usual
    assert may_join(with_settings(job, fresh=True))


def test_command_with_a_check_that_may_read_anything_joins_no_other(world: World) -> None:
    world.ask()

    assert not may_join(world.job())


def test_answer_of_the_other_run_is_printed_and_nothing_runs(
    world: World, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def joined(*_: Any) -> Iterator[Turn]:
        yield Turn(found=Answer(people="the text\nPREDEPLOY FAILED", document='{"of": "r1"}\n', code=1))

    monkeypatch.setattr(main, "take_turn", joined)
    monkeypatch.setattr(main, "run_job", None)
    scope = with_settings(job, json_output=True).scope
    request = ValidationRequest(scope=scope, shown=".", called_as="predeploy")
    given = Caller(environ=world.environ, token=None, exposure=NOTHING_EXPOSED, load_flow=lambda: None)
    code = validate(request, given, Streams(json_output=False), Interruption())

    captured = capsys.readouterr()
    assert (code, captured.out) == (1, '{"of": "r1"}\n')
    assert captured.err == "the text\nPREDEPLOY FAILED\n"


def test_waiting_shows_signs_of_life(world: World, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.cli.receipt.join.BEAT", 0.0)
    with ExitStack() as first:
        first.enter_context(take_turn(job, silent))
        with second(job) as waiting:
            wait_for(lambda: len(waiting.notes) > 1, "a sign of life")
            first.close()

    assert waiting.notes[1].startswith("still waiting for the report of the same command, ")
