"""The runs of ours that Prefect remembers, kept within a limit of age. Others may use the same server."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

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
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.exceptions import ObjectNotFound

from tasks.engines.pruned import Pruned

OURS = "predeploy"
"""The flow of the command line, which nobody else calls so, and the tag of all that our deployments start."""
ABANDONED = timedelta(days=7)
"""No run lasts so long: what is still running then was killed with all that could have said so."""
PAGE = 100


async def prune_history(before: datetime) -> Pruned:
    """Deletes runs of ours that began earlier, with their stages and checks; never one that goes on."""
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
    """How many of the runs were deleted. Stages go first: without the run above it, nobody would find one again."""
    removed = 0
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=runs))
    while stages := [each.id for each in await client.read_flow_runs(flow_run_filter=below, limit=PAGE)]:
        await _delete(client, stages)
    for run in runs:
        try:
            await client.delete_flow_run(run)
        except ObjectNotFound:  # somebody else was faster
            continue
        removed += 1
    return removed
