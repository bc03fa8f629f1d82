"""Failures of Prefect: the report does not wait for it, and names what was not recorded."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from flows.recording.recorder import Recorded, RecorderLimits, watch
from tasks.prefect_server import Phase, ServerHandle
from tests.flows.harness import Places, RecorderProcess, alive, record_run, rows, wait_until
from tests.flows.scripted import MIXED, ScriptedRun, lasting

real = pytest.mark.real
NOWHERE = "http://127.0.0.1:9/api"


@pytest.mark.slow
@real
@pytest.mark.parametrize(
    ("trouble", "reason"), [(signal.SIGKILL, "has ended"), (signal.SIGSTOP, "does not answer")], ids=["killed", "hung"]
)
def test_server_that_ends_during_a_run_is_reported(
    user_dirs: Places, tmp_path: Path, trouble: signal.Signals, reason: str
) -> None:
    handle = user_dirs.start()
    assert handle.pid is not None
    assert handle.home is not None
    home = handle.home

    end = tmp_path / "end"
    recorder = RecorderProcess(user_dirs, held_by=end)
    wait_until(lambda: len(rows(home, "select id from task_run where state_type = 'RUNNING'")) > 3, limit=60)
    os.kill(handle.pid, trouble)
    end.touch()
    (recording,) = recorder.wait()
    os.kill(handle.pid, signal.SIGKILL)

    assert recording.is_pending
    assert recording.unrecorded is not None
    assert reason in recording.unrecorded
    assert str(handle.log) in recording.unrecorded


@real
@pytest.mark.slow
def test_a_server_that_is_hung_from_the_start_is_replaced(user_dirs: Places) -> None:
    hung = user_dirs.start()
    assert hung.pid is not None
    os.kill(hung.pid, signal.SIGSTOP)

    first = record_run(user_dirs)
    user_dirs.start()
    second = record_run(user_dirs)

    assert first.is_pending
    assert "did not answer, and was replaced" in (first.unrecorded or "")
    assert second.unrecorded is None
    assert not alive(hung.pid)


@real
@pytest.mark.slow
def test_damaged_history_costs_one_run_its_record_at_the_most(user_dirs: Places) -> None:
    """Its server would otherwise answer with errors that Prefect's client tries to outlast, in every run."""
    first = user_dirs.start()
    assert first.home is not None
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    (first.home / "prefect.db").write_bytes(b"no database " * 9999)

    record_run(user_dirs)
    user_dirs.start()
    recording = record_run(user_dirs)

    assert recording.unrecorded is None
    aside = [path.name for path in first.home.glob("prefect.db.damaged-*")]
    assert len([name for name in aside if not name.endswith(("-wal", "-shm"))]) == 1


@real
def test_server_without_a_listener_is_reported(user_dirs: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"

    recording = record_run(user_dirs, PREFECT_API_URL=url)

    assert recording.is_pending
    assert recording.unrecorded is not None
    assert recording.url is None


@real
def test_server_that_never_answers_is_reported(user_dirs: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        recording = record_run(user_dirs, PREFECT_API_URL=url)

    assert recording.is_pending
    assert recording.unrecorded == f"Prefect's server at {url} does not answer"


async def never(events: object = None) -> object:
    await asyncio.sleep(3600)
    return None


async def broken() -> object:
    raise ValueError("no\nsuch   thing")


def nothing_found() -> ServerHandle:
    raise PermissionError(13, "Permission denied", "/data")


@pytest.mark.parametrize(
    ("flow", "connect", "reason"),
    [
        (never, nothing_found, "Prefect: PermissionError: [Errno 13] Permission denied: '/data'"),
        (broken, partial(ServerHandle, url=NOWHERE), "Prefect: ValueError: no such thing"),
        (never, partial(ServerHandle, url=NOWHERE), f"Prefect's server at {NOWHERE} does not answer"),
    ],
    ids=["no server can be started", "the flow raises", "the flow hangs"],
)
async def test_failed_recorder_is_a_line_in_the_report(
    monkeypatch: pytest.MonkeyPatch,
    flow: Callable[[], Awaitable[object]],
    connect: Callable[[], ServerHandle],
    reason: str,
) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    run = ScriptedRun(MIXED)

    recorded = await watch(run, flow, connect, RecorderLimits(silent=0.1))

    assert recorded == Recorded(url=None, unrecorded=reason)


async def test_server_that_answers_without_progress_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr("flows.recording.recorder.answers", lambda *_: True)

    recorded = await watch(ScriptedRun(MIXED), never, partial(ServerHandle, url=NOWHERE), RecorderLimits(busy=0.3))

    assert recorded.unrecorded == f"Prefect's server at {NOWHERE} was too slow"


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (
            ServerHandle(url=NOWHERE, note="the history was moved"),
            "the history was moved. This run did not wait for it",
        ),
        (ServerHandle(url=NOWHERE, launched=1.0), "was still starting"),
    ],
    ids=["repaired", "started long ago"],
)
async def test_server_that_starts_after_trouble_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, handle: ServerHandle, reason: str
) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr("flows.recording.recorder.phase", lambda _: Phase.STARTING)

    recorded = await watch(ScriptedRun(MIXED), never, lambda: handle, RecorderLimits(starting=9999, repaired=0.1))

    assert reason in (recorded.unrecorded or "")


async def test_server_that_hangs_while_it_starts_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr("flows.recording.recorder.phase", lambda _: Phase.STARTING)
    monkeypatch.setattr("flows.recording.recorder.is_asleep", lambda pid: pid == 7)
    ended: list[int | None] = []
    monkeypatch.setattr("flows.recording.recorder.end_hung", lambda handle, _: ended.append(handle.pid))
    handle = ServerHandle(url=NOWHERE, pid=7, launched=time.time())

    recorded = await watch(ScriptedRun(MIXED), never, lambda: handle, RecorderLimits(silent=0.1, starting=9999))

    assert "hung while it started" in (recorded.unrecorded or "")
    assert ended == [7]


@pytest.mark.parametrize("stage", [Phase.STARTING, Phase.READY])
async def test_history_that_another_program_keeps_locked_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: Phase
) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr("flows.recording.recorder.phase", lambda _: stage)
    monkeypatch.setattr("flows.recording.recorder.answers", lambda *_: True)
    monkeypatch.setattr("tasks.prefect_server.history.writer_of", lambda _: 8)
    handle = ServerHandle(url=NOWHERE, pid=7, home=tmp_path, launched=time.time())

    recorded = await watch(
        ScriptedRun(MIXED), never, lambda: handle, RecorderLimits(silent=0.1, starting=9999, busy=9999)
    )

    assert "which process 8 keeps locked" in (recorded.unrecorded or "")


async def test_recorder_does_not_wait_for_a_run_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    run = ScriptedRun(MIXED)
    monkeypatch.setattr(run, "report", broken)

    async with asyncio.timeout(5):
        recorded = await watch(run, never, partial(ServerHandle, url=NOWHERE), RecorderLimits(silent=0.1))

    assert recorded.unrecorded is not None


async def test_cancelled_recording_does_not_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", dict(os.environ))
    run = ScriptedRun(lasting(MIXED, 0.5))
    watching = asyncio.create_task(watch(run, never, partial(ServerHandle, url=NOWHERE)))
    await asyncio.sleep(0.1)

    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert watching.cancelled()
    assert len((await run.report()).checks) == len(MIXED)
    assert [thread.name for thread in threading.enumerate() if thread.name == "recorder"] == []
