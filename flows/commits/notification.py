"""Tells people, by a notification block of Prefect, when a nightly run ends in another colour than the one before."""

from typing import Any

import httpx
from prefect import Flow
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.logging import get_logger
from prefect.utilities.urls import url_for
from pydantic import ValidationError

from flows.commits.status import commit_of
from tasks.notification import Colour, Ended, News, NotificationSettings, news_of

NIGHTLY = "nightly"
COLOURS: dict[StateType, Colour] = {
    StateType.COMPLETED: "green",
    StateType.FAILED: "red",
    StateType.CRASHED: "red",
}
"""A run that was cancelled or superseded has none: it says nothing about the code."""
SUBJECT = {"repository": "", "ref": "HEAD", "directory": "."}
"""The parameters that say what a run is about, with their defaults: one deployment may validate more than one stack."""
RECENT = 200


async def notify(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - called by keyword
    """A hook of every final state. Whatever goes wrong here is logged, and changes no verdict."""
    colour = COLOURS.get(state.type)
    if colour is None:
        return
    logger = get_logger("predeploy.notification")
    try:
        block = NotificationSettings().block
    except ValidationError as error:
        logger.error("nobody was notified: PREDEPLOY_NOTIFY_BLOCK: %s", error.errors()[0]["msg"])  # noqa: TRY400
        return
    if not block:
        return
    try:
        async with get_client() as client:
            run = await client.read_flow_run(flow_run.id)
            if not is_nightly(run):
                return
            news = news_of(await _ended(client, run, state, colour), await _colour_before(client, run))
        if news is not None:
            await _send(block, news)
            logger.info("%s: told %s", news.subject, block)
    except Exception as error:
        logger.error("nobody was notified by %s: %s", block, _why(error))  # noqa: TRY400 - a traceback shows its URL


def is_nightly(run: FlowRun) -> bool:
    """Whether people wait for no run of this kind: a schedule has made it, or its tag says so."""
    return run.auto_scheduled or NIGHTLY in run.tags


async def _ended(client: PrefectClient, run: FlowRun, state: State[Any], colour: Colour) -> Ended:
    deployment = await client.read_deployment(run.deployment_id) if run.deployment_id else None
    return Ended(
        colour=colour,
        deployment=deployment.name if deployment else "a run",
        name=run.name,
        commit=commit_of(run),
        reason=state.message or state.name or "",
        url=url_for(run) or "",
    )


async def _colour_before(client: PrefectClient, run: FlowRun) -> Colour | None:
    """That of the newest run before, of the same deployment on the same stack."""
    if run.deployment_id is None:
        return None
    ended = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*COLOURS])),
        ),
        sort=FlowRunSort.END_TIME_DESC,
        limit=RECENT,
    )
    return next((COLOURS[each.state_type] for each in ended if each.state_type and _is_before(each, run)), None)


def _is_before(other: FlowRun, run: FlowRun) -> bool:
    return other.id != run.id and is_nightly(other) and _subject(other) == _subject(run)


def _subject(run: FlowRun) -> dict[str, Any]:
    return {name: run.parameters.get(name, default) for name, default in SUBJECT.items()}


async def _send(name: str, news: News) -> None:
    block: Any = await Block.aload(name)
    if not isinstance(block, NotificationBlock):
        message = f"{name} is no notification block"
        raise TypeError(message)
    with block.raise_on_failure():
        await block.anotify(news.body, news.subject)  # type: ignore[attr-defined]


def _why(error: Exception) -> str:
    """Without what may hold a secret: errors of blocks quote the URL, which is one."""
    kind = type(error).__name__
    if isinstance(error, httpx.HTTPStatusError):
        return f"the answer was {error.response.status_code}"
    if isinstance(error, httpx.TransportError):
        return f"its server cannot be reached ({kind})"
    return f"{error}. Look at Prefect's Blocks and PREDEPLOY_NOTIFY_BLOCK" if _is_plain(error) else kind


def _is_plain(error: Exception) -> bool:
    """Said by Prefect about the block's name, or by us: before anything in it is known."""
    return str(error).startswith("Unable to find block document named") or isinstance(error, TypeError)
