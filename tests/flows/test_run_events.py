"""The events of a run, for recorders that start early or late."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flows.recording.run_events import RunEvents
from tasks.models import Result, Stage
from tests.flows.scripted import Script, ScriptedRun


async def test_late_recorder_gets_the_true_times() -> None:
    run = ScriptedRun([Script(name="mypy", begins=0.1, lasts=0.2)])
    events = RunEvents(run)
    zero = datetime.now(UTC)
    events.follow()
    await run.report()
    await asyncio.sleep(0.3)

    finished = await asyncio.to_thread(asyncio.run, events.finished("mypy[apps/web]"))

    assert (finished.began - zero).total_seconds() == pytest.approx(0.1, abs=0.08)
    assert (finished.ended - finished.began).total_seconds() == pytest.approx(0.2, abs=0.08)


async def test_check_that_was_decided_after_its_end_has_its_own_duration() -> None:
    class Waiting(ScriptedRun):
        async def finished(self, check_id: str) -> Result:
            return replace(await super().finished(check_id), duration=0.05)

    events = RunEvents(Waiting([Script(name="mypy", lasts=0.1)]))
    events.follow()

    finished = await events.finished("mypy[apps/web]")
    assert finished.ended - finished.began == timedelta(seconds=0.05)


async def test_cancelled_waiter_does_not_affect_the_others() -> None:
    run = ScriptedRun([Script(name="mypy", lasts=0.1, stage=Stage.BUILD)])
    events = RunEvents(run)
    events.follow()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(events.finished("mypy[apps/web]"), 0.01)

    assert (await events.finished("mypy[apps/web]")).result.passed
    assert (await events.report()).verdict.ready


async def test_closing_ends_waiters_with_an_error_and_stops_no_check() -> None:
    run = ScriptedRun([Script(name="mypy", lasts=0.1)])
    events = RunEvents(run)
    events.follow()
    waiting = asyncio.create_task(events.finished("mypy[apps/web]"))
    await asyncio.sleep(0.01)

    await events.close()

    with pytest.raises(RuntimeError, match="the run ended before"):
        await waiting
    with pytest.raises(RuntimeError, match="the run ended before"):
        await events.report()
    assert (await run.finished("mypy[apps/web]")).passed


async def test_error_of_the_executor_is_passed_to_waiters(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(check_id: str) -> Result:
        raise LookupError(check_id)

    run = ScriptedRun([Script(name="mypy")])
    monkeypatch.setattr(run, "finished", broken)
    events = RunEvents(run)
    events.follow()

    with pytest.raises(LookupError):
        await events.finished("mypy[apps/web]")
