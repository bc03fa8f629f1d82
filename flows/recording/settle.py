"""Waits until Prefect's server has stored a run as a whole, and until this process has sent all of it."""

import asyncio
import threading
import time

from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

from flows.recording.run_events import RunEvents

_FINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


async def settle(events: RunEvents, limit: float = 10.0) -> str | None:
    """Wait until the server has stored every task run of a finished run. Return the reason if it has not.

    Task runs travel as events: the server gets them before its database has them. `limit` is in seconds, and begins
    again with each task run that arrives.
    """
    expected = len(events.checks)
    recorded = 0
    deadline = time.monotonic() + limit
    async with get_client() as client:
        while (count := await _recorded(client, events)) < expected:
            if count > recorded:
                recorded, events.progress, deadline = count, events.progress + 1, time.monotonic() + limit
            if time.monotonic() > deadline:
                return f"{recorded} of {expected} checks recorded: Prefect's server is too slow"
            await asyncio.sleep(0.05)
    return None


async def _recorded(client: PrefectClient, events: RunEvents) -> int:
    asked = {
        "flow_runs": {"parent_flow_run_id": {"any_": [events.flow_run_id]}},
        "task_runs": {"state": {"type": {"any_": _FINAL}}},
    }
    return int((await client.request("POST", "/task_runs/count", json=asked)).json())


def drain(limit: float = 2.0) -> bool:
    """Send what Prefect's workers still hold, so that the process may end. Return whether all was sent.

    Never takes longer than `limit`: a worker whose server is hung is left behind.
    """

    def send() -> None:
        EventsWorker.drain_all(timeout=limit)
        APILogWorker.drain_all(timeout=limit)

    thread = threading.Thread(target=send, name="prefect-drain", daemon=True)
    thread.start()
    thread.join(limit)
    return not thread.is_alive()
