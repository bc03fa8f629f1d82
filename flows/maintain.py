"""The flow `maintain`: prunes caches, reports and Prefect's history, and reports the effect on the disk."""

import os
import time
from collections.abc import Iterable
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
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed

from tasks.engines.dagger.prune import prune_engine
from tasks.engines.local.prune import Limits, prune_cache, prune_reports
from tasks.engines.local.run_dirs import remove_abandoned_run_dirs
from tasks.engines.pruned import Pruned
from tasks.user_dirs import UserDirs

GIGABYTE = 1 << 30
OURS = "predeploy"
"""The name of the command line's flow, and the tag of every deployment of ours."""
ABANDONED = timedelta(days=7)
"""No run lasts longer. A run that is still running after this time was killed with its process."""
PAGE = 100


@flow(name="maintain", flow_run_name="maintain", persist_result=False)
async def maintain(days: float = 30, gigabytes: float = 20, history_days: float = 90) -> State[Any]:
    """Keep what runs leave on the disk within limits. Files that a run uses now are kept.

    Args:
        days: The age in days. Cache entries of the worker's machine that no run has used for longer are deleted.
        gigabytes: The maximum size of that cache, and of a Dagger engine's cache. The least recently used go first.
        history_days: The age in days. Older runs in Prefect are deleted, with their reports on the worker's disk.
    """
    user_dirs = UserDirs.of_user()
    size, age, now = int(gigabytes * GIGABYTE), timedelta(days=history_days), time.time()
    remove_abandoned_run_dirs(user_dirs.data)
    kept = [
        prune_cache(user_dirs.cache, Limits(days=days, size=size), now),
        await prune_engine(os.environ, user_dirs.cache / "maintain.log", size),
        prune_reports(user_dirs.data / "validations", history_days, now),
        await prune_history(datetime.now(UTC) - age),
    ]
    table: list[dict[str, Any]] = [{**asdict(each), "summary": each.summary} for each in kept]
    await acreate_table_artifact(table, key="maintain-disk", description="What maintenance removed from the disk")
    return Completed(message="\n".join(each.summary for each in kept))


async def prune_history(before: datetime) -> Pruned:
    """Deletes our runs that began before that moment, with their stages and checks. It keeps runs that have not ended.

    Others may use the same server: their runs stay.
    """
    abandoned = min(before, datetime.now(UTC) - ABANDONED)
    by_name, by_tag = FlowFilter(name=FlowFilterName(any_=[OURS])), FlowRunFilterTags(all_=[OURS])
    removed = 0
    async with get_client() as client:
        for flow, tags in ((by_name, None), (None, by_tag)):
            for run in (_old(before, TERMINAL_STATES, tags), _old(abandoned, {StateType.RUNNING}, tags)):
                while found := await client.read_flow_runs(flow_filter=flow, flow_run_filter=run, limit=PAGE):
                    removed += await _delete(client, [each.id for each in found])
    return Pruned(what="history", removed=removed)


def _old(before: datetime, states: Iterable[StateType], tags: FlowRunFilterTags | None) -> FlowRunFilter:
    return FlowRunFilter(
        # Prefect's type is another library's subclass, depending on Python's version
        expected_start_time=FlowRunFilterExpectedStartTime(before_=before),  # type: ignore[arg-type]
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*states])),
        tags=tags,
    )


async def _delete(client: PrefectClient, runs: list[UUID]) -> int:
    """Returns how many of the runs were deleted. Stages go first: only their parent run leads to them."""
    removed = 0
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=runs))
    while stages := [each.id for each in await client.read_flow_runs(flow_run_filter=below, limit=PAGE)]:
        await _delete(client, stages)
    for run in runs:
        try:
            await client.delete_flow_run(run)
        except ObjectNotFound:  # another client has deleted it
            continue
        removed += 1
    return removed
