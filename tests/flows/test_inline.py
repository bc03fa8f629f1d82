"""A validation in the loop of its recording flow: it ends with a report, or with the reason for a missing one."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flows.recording.inline import running
from flows.recording.run_events import RunEvents, current_run_events
from tasks.errors import EngineError
from tasks.execution.work import EngineWork, Work
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import Outcome
from tasks.user_dirs import UserDirs
from tasks.validation import validation as module
from tasks.validation.engine_work import Note, OpenWork
from tasks.validation.job import Job, RunEnvironment, prepare
from tasks.validation.scope import read_scope
from tests.support.fakes import FakeEngine

POLICY = "".join(f'[[check]]\nname = "{name}"\nstage = "quality"\nrun = "{name}"\n' for name in ("true", "false"))
CANARY = "c4n4ry-value"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job with two checks. One of them declares a secret."""
    stack = tmp_path / "stack"
    stack.mkdir()
    policy = f'{POLICY}secrets = ["KEY"]\n'
    (stack / "predeploy.toml").write_text(policy)
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=one")):
        subprocess.run(["git", "-C", stack, *arguments], check=True)
    user_dirs = UserDirs(cache=tmp_path / "cache", data=tmp_path / "data")
    given = RunEnvironment(
        environ={"KEY": CANARY, "PREDEPLOY_SECRETS_PROVIDER": "env"}, token=None, exposure=NOTHING_EXPOSED
    )
    return prepare(read_scope(stack, {}, given.environ, user_dirs.cache), given, user_dirs=user_dirs)


def opening(engine: FakeEngine) -> OpenWork:
    @asynccontextmanager
    async def open_work(job: Job, logs: Path, note: Note) -> AsyncIterator[Work]:
        async with engine:
            yield EngineWork(job.scope.plan, engine, job.scope.lowering, logs)

    return open_work


async def test_report_is_returned_and_published_at_the_end(job: Job) -> None:
    engine = FakeEngine()

    async with running(job, opening(engine)) as run:
        assert current_run_events() is run
        report = await run.report()

    assert (report.verdict.outcome, len(report.checks)) == (Outcome.PASSED, 2)
    published = job.scope.home / f".predeploy/runs/{job.run_id}/report.json"
    assert json.loads(published.read_text())["result"] == "passed"
    assert engine.closed


async def test_engine_that_cannot_be_opened_raises_its_error(job: Job) -> None:
    @asynccontextmanager
    async def open_work(job: Job, logs: Path, note: Note) -> AsyncIterator[Work]:
        raise EngineError("no engine", "engine_absent")
        yield

    with pytest.raises(EngineError, match="no engine"):
        async with running(job, open_work):
            pytest.fail("nothing has begun")

    assert [*(job.scope.home / ".predeploy/runs").iterdir()] == []


async def test_waiter_for_the_report_gets_the_error_that_ended_the_run(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError(f"broken: {CANARY}")

    monkeypatch.setattr(module, "give_verdict", broken)
    engine = FakeEngine()

    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError, match=r"LookupError: .*\*\*\*"):
            async with running(job, opening(engine)) as run:
                await run.report()

    assert engine.closed


async def test_a_cancelled_flow_stops_its_checks_and_closes_the_engine(job: Job) -> None:
    engine = FakeEngine()
    engine.gate("true")
    begun: asyncio.Future[RunEvents] = asyncio.get_running_loop().create_future()

    async def flow() -> None:
        async with running(job, opening(engine)) as run:
            begun.set_result(run)
            await run.report()

    task = asyncio.create_task(flow())
    await begun
    await engine.begun("true").wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert engine.closed
    assert engine.cancelled
