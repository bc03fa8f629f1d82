"""The subflows `build`, `quality` and `integration`: one task run per check, with the times at which it ran.

A task run waits for the result of its check, and does not execute it. So a slow Prefect does not delay the check.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext

from flows.recording.run_events import Finished, RunEvents, current_run_events
from flows.recording.states import check_state, masked, stage_state
from tasks.models import Result
from tasks.steps import Check


@task(name="run_check", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
async def run_check(check: str, name: str) -> State[Any]:  # noqa: ARG001 - the run is named by it
    """Mirror one check."""
    events = current_run_events()
    finished = await events.finished(check)
    state = masked(check_state(finished.result), events.redactor)
    _set_true_times(finished, state)
    return state


@flow(name="build", flow_run_name="build", persist_result=False, validate_parameters=False)
async def build(checks: list[str]) -> State[Any]:
    """Mirror the checks that build what would be deployed."""
    return await _mirror(checks)


@flow(name="quality", flow_run_name="quality", persist_result=False, validate_parameters=False)
async def quality(checks: list[str]) -> State[Any]:
    """Mirror the checks of the source code."""
    return await _mirror(checks)


@flow(name="integration", flow_run_name="integration", persist_result=False, validate_parameters=False)
async def integration(checks: list[str]) -> State[Any]:
    """Mirror the checks that run the code against real services."""
    return await _mirror(checks)


async def mirrored(stage: Callable[..., Coroutine[Any, Any, State[Any]]], checks: list[str]) -> State[Any] | None:
    """Run the subflow of a stage for these checks; a stage without checks has no flow run."""
    return await stage(checks, return_state=True) if checks else None


def labels(checks: Sequence[Check]) -> dict[str, str]:
    """Return the displayed name of each check: its name, or its id if two components share the name."""
    shared = Counter(check.name for check in checks)
    return {check.id: check.name if shared[check.name] == 1 else check.id for check in checks}


async def _mirror(checks: list[str]) -> State[Any]:
    events = current_run_events()
    names = labels(events.checks)
    # an error in the record of one check does not end the others
    outcomes = await asyncio.gather(
        *(_mirror_check(events, check, names[check]) for check in checks), return_exceptions=True
    )
    results: list[Result] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return stage_state(results)


async def _mirror_check(events: RunEvents, check: str, name: str) -> Result:
    await events.began(check)
    # Prefect's overloads lack the async task that is awaited for its state
    await run_check(check, name, return_state=True)  # type: ignore[misc]
    return (await events.finished(check)).result


def _set_true_times(finished: Finished, final: State[Any]) -> None:
    """Sets the times at which the check ran. Prefect's own times are those of the recording."""
    context = TaskRunContext.get()
    assert context is not None
    run = context.task_run
    # Prefect's type is another library's subclass, depending on Python's version
    run.start_time = finished.began  # type: ignore[assignment]
    run.end_time = finished.ended  # type: ignore[assignment]
    # Prefect adds the time between the last two states
    recorded = final.timestamp - run.state.timestamp if run.state else timedelta()
    run.total_run_time = finished.ended - finished.began - recorded
