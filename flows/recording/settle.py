"""A run in Prefect: the parent's body, and the wait until its database has everything."""

import asyncio
import threading
import time
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

from flows.recording.run_events import RunEvents, current_feed
from flows.recording.states import run_state
from flows.stages import STAGES
from tasks.report.artifacts import report_markdown, report_table

_FINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


async def record() -> State[Any]:
    """Mirror the current run in the current flow run: three subflows side by side, then the report.

    Raises where something could not be recorded; the checks are none of its business.
    """
    events = current_feed()
    context = FlowRunContext.get()
    if context and context.flow_run:
        events.flow_run_id = str(context.flow_run.id)
    mirrored = await asyncio.gather(
        *(
            mirror([check.id for check in events.checks if check.stage is stage], return_state=True)
            for stage, mirror in STAGES.items()
            if any(check.stage is stage for check in events.checks)
        ),
        return_exceptions=True,
    )
    report = await events.report()
    markdown, table = report_markdown(report), report_table(report)
    await acreate_markdown_artifact(markdown, key="predeploy-report", description="The report of this run")
    if table:
        await acreate_table_artifact(table, key="predeploy-checks", description="Every check of this run")
    for outcome in mirrored:
        if isinstance(outcome, BaseException):
            raise outcome
    return run_state(report)


async def settle(events: RunEvents, limit: float = 10.0) -> str | None:
    """Wait until the server has written every task run of a finished run down; return why it has not.

    Task runs travel as events: the server knows of them before its database does. `limit` is in seconds, and begins
    anew with each one that arrives.
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
    """Send what Prefect's workers still hold, so that the process may end at once; tell whether all was sent.

    Never takes longer than `limit`: a worker whose server is hung is left behind.
    """

    def send() -> None:
        EventsWorker.drain_all(timeout=limit)
        APILogWorker.drain_all(timeout=limit)

    thread = threading.Thread(target=send, name="prefect-drain", daemon=True)
    thread.start()
    thread.join(limit)
    return not thread.is_alive()
