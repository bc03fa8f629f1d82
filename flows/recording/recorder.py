"""The recorder: Prefect in a thread of its own. If it fails, hangs or is slow, the run is not delayed."""

import asyncio
import contextlib
import logging
import os
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass

from flows.recording.run_events import RunEvents, Watched, enter_run_events
from tasks.prefect_server import (
    Phase,
    ServerHandle,
    answers,
    client_environment,
    end_hung,
    history,
    is_asleep,
    phase,
    stop_server,
    used_seconds,
)
from tasks.report.parts import BACKGROUND, part

_POLL = 0.25
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderLimits:
    """For how many seconds a finished run waits for its recorder.

    `silent`: the server does not answer, or does not start, and our own does nothing else either. It is also the limit
    for another program that keeps the history locked. `overloaded`: the server does not answer, but uses the processor.
    `starting`: a local server is still starting. `repaired`: the same if trouble with an earlier one has cost time
    already, or if an earlier run has waited for it. `busy`: the server answers, but records no progress.
    """

    silent: float = 1.5
    overloaded: float = 5.0
    repaired: float = 2.0
    starting: float = 30.0
    busy: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The record of a run in Prefect.

    `unrecorded` is the reason why it is missing or incomplete. `note` says what was repaired for it.
    """

    url: str | None = None
    unrecorded: str | None = None
    note: str = ""


async def watch(
    watched: Watched,
    flow: Callable[[], Awaitable[object]],
    connect: Callable[[], ServerHandle],
    patience: RecorderLimits | None = None,
) -> Recorded:
    """Record a run that goes on in this loop, and return soon after its report is there. Never raises for Prefect.

    `connect` finds the server, `flow` imports and runs the parent flow: both are called in the recorder's thread.
    """
    events = RunEvents(watched)
    events.follow()
    recorder = Recorder(events, flow, connect)
    recorder.start()
    try:
        # if there is no report, the executor reports the reason
        await asyncio.gather(events.report(), return_exceptions=True)
        unrecorded = await _wait(recorder, patience or RecorderLimits())
    finally:
        await events.close()
        await asyncio.shield(asyncio.to_thread(recorder.stop))
    note = recorder.handle.note if recorder.handle else ""
    if note and unrecorded:
        return Recorded(url=recorder.run_url, unrecorded=f"{note}. This run did not wait for it: {unrecorded}")
    return Recorded(url=recorder.run_url, unrecorded=unrecorded, note=note)


class Recorder:
    """The thread in which Prefect is imported and its event loop runs."""

    def __init__(
        self, events: RunEvents, flow: Callable[[], Awaitable[object]], connect: Callable[[], ServerHandle]
    ) -> None:
        self.events = events
        self.handle: ServerHandle | None = None
        self.outcome: Future[str | None] = Future()
        self._flow = flow
        self._connect = connect
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[str | None] | None = None
        context = copy_context()  # the recorder's work has its place in the trace
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="recorder", daemon=True)

    @property
    def run_url(self) -> str | None:
        """The URL of the run in Prefect's UI."""
        if self.handle is None or self.events.flow_run_id is None:
            return None
        return f"{self.handle.url.removesuffix('/api')}/runs/flow-run/{self.events.flow_run_id}"

    def start(self) -> None:
        """Start the recorder's thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the recording, finished or not. A thread that waits for a server that is gone is left behind."""
        if not self.outcome.done() and self._loop and self._task:
            # the loop may have closed just now
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(0.5)
        if self.handle and self.handle.temporary:
            stop_server(self.handle)

    def _run(self) -> None:
        try:
            with part("Prefect: find the server", BACKGROUND):
                self.handle = self._connect()
            client_environment(self.handle, os.environ)
            # stdout and stderr are for the report: Prefect's workers would print the events that they could not send
            logging.raiseExceptions = False
            warnings.filterwarnings("ignore", module=r"prefect(\.|$)")
            self.outcome.set_result(asyncio.run(self._record()))
        except BaseException as error:
            self.outcome.set_result(_described(error))

    async def _record(self) -> str | None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._loop.set_exception_handler(lambda *_: None)
        enter_run_events(self.events)
        with part("Prefect: import it, and mirror the run", BACKGROUND):
            await self._flow()
        from flows.recording.settle import drain, settle

        with part("Prefect: settle", BACKGROUND):
            draining = asyncio.create_task(asyncio.to_thread(drain))
            reason = await settle(self.events)
            await draining
        return reason


@dataclass(slots=True)
class _Signs:
    """The times of the last signs of life, on the monotonic clock. `free`: no other process kept the history locked."""

    begun: float
    answered: float
    moved: float
    awake: float
    free: float
    progress: int
    used: float | None = None
    writer: int | None = None


async def _wait(recorder: Recorder, patience: RecorderLimits) -> str | None:
    """Wait for the recorder; give up if the server is gone, silent, or busy without progress."""
    outcome = asyncio.wrap_future(recorder.outcome)
    now = time.monotonic()
    used = used_seconds(recorder.handle.pid) if recorder.handle else None
    signs = _Signs(now, now, now, now, now, recorder.events.progress, used)
    while not (await asyncio.wait({outcome}, timeout=_POLL))[0]:
        if recorder.handle is None:
            if time.monotonic() - signs.begun > _CONNECT_SECONDS:
                return "looking for Prefect's server took too long"
        elif lost := await _lost(recorder.handle, recorder.events.progress, signs, patience):
            log = recorder.handle.log
            return f"Prefect's server at {recorder.handle.url} {lost}" + (f"; see {log}" if log else "")
    return outcome.result()


async def _lost(handle: ServerHandle, progress: int, signs: _Signs, patience: RecorderLimits) -> str | None:
    now = time.monotonic()
    stage = phase(handle)
    if stage is Phase.GONE:
        return "has ended"
    if progress != signs.progress:
        signs.progress, signs.moved = progress, now
    if locked := _locked(handle, signs, patience, now):
        return locked
    if stage is Phase.STARTING:
        return _late(handle, signs, patience, now)
    if await asyncio.to_thread(answers, handle.url, _ANSWER_SECONDS):
        signs.answered, signs.used = now, used_seconds(handle.pid)
    elif (silent := time.monotonic() - signs.answered) > patience.silent:
        is_hung = used_seconds(handle.pid) in {None, signs.used}
        if is_hung or silent > patience.overloaded:
            end_hung(handle, signs.used)
            return "does not answer"
    return "was too slow" if now - signs.moved > patience.busy else None


def _locked(handle: ServerHandle, signs: _Signs, patience: RecorderLimits, now: float) -> str | None:
    """Whether one other process keeps the history locked, so that nothing is recorded."""
    writer = history.writer_of(handle.home / history.NAME) if handle.home else None
    if writer in {None, handle.pid} or writer != signs.writer or signs.moved == now:
        signs.writer, signs.free = writer, now
    if now - signs.free <= patience.silent:
        return None
    return f"cannot write its history, which process {writer} keeps locked"


def _late(handle: ServerHandle, signs: _Signs, patience: RecorderLimits, now: float) -> str | None:
    """Whether a server starts for too long, or not at all."""
    signs.answered = signs.moved = now
    if signs.writer or not is_asleep(handle.pid):  # a server that waits for a locked history is not hung
        signs.awake = now
    if now - signs.awake > patience.silent:
        end_hung(handle, used_seconds(handle.pid))
        return "hung while it started"
    is_late = handle.launched is not None and time.time() - handle.launched > patience.starting
    limit = patience.repaired if handle.note or is_late else patience.starting
    return "was still starting" if now - signs.begun > limit else None


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"Prefect: {type(error).__name__}: {text}" if text else f"Prefect: {type(error).__name__}"
