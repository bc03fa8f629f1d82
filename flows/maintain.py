"""The flow `maintain`: keeps caches and history within limits, and reports what that did to the disk."""

import os
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed

from flows.places import Places
from tasks.engines.dagger.upkeep import keep_engine
from tasks.engines.local.room import remove_rooms
from tasks.upkeep import Kept, Limits, keep_cache

OURS = ("predeploy", "validate", "build", "quality", "integration", "maintain")
"""The flows whose runs are ours to delete: others may use the same server."""
PAGE = 200
GIGABYTE = 1 << 30


@flow(name="maintain", flow_run_name="maintain", persist_result=False)
async def maintain(days: float = 30, gigabytes: float = 20, history_days: float = 90) -> State[Any]:
    """Keep what runs leave on the disk within limits; nothing that a run holds is touched.

    Args:
        days: What no run has used for so many days goes from the cache.
        gigabytes: So large the cache may be, and that of a Dagger engine; what was not used for longest goes first.
        history_days: Runs in Prefect that are older go.
    """
    places = Places.of_user()
    size = int(gigabytes * GIGABYTE)
    remove_rooms(places.data)
    kept = [
        keep_cache(places.cache, Limits(days=days, size=size), time.time()),
        await keep_engine(os.environ, places.cache / "maintain.log", size),
        await keep_history(timedelta(days=history_days)),
    ]
    table: list[dict[str, Any]] = [{**asdict(each), "said": each.said} for each in kept]
    await acreate_table_artifact(table, key="maintain-disk", description="What upkeep did to the disk")
    return Completed(message="\n".join(each.said for each in kept))


async def keep_history(age: timedelta) -> Kept:
    """Deletes runs of ours that began longer ago, with their subflows and checks."""
    removed = 0
    async with get_client() as client:
        while runs := await _old_runs(client, datetime.now(UTC) - age):
            for run in runs:
                try:
                    await client.delete_flow_run(run)
                except ObjectNotFound:  # somebody else was faster
                    continue
                removed += 1
    return Kept(what="history", removed=removed)


async def _old_runs(client: PrefectClient, before: datetime) -> list[UUID]:
    runs = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[*OURS])),
        # Prefect's type is another library's subclass, depending on Python's version
        flow_run_filter=FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(before_=before)),  # type: ignore[arg-type]
        limit=PAGE,
    )
    return [run.id for run in runs]
