"""Notifies people through a block of Prefect when a nightly run ends in another colour than the run before."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

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
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.commits.status import commit_of

NIGHTLY = "nightly"
PREFIX = "PREDEPLOY_NOTIFY_"
REASON = 2000
"""Characters of a reason; the rest is behind the link."""
Colour = Literal["green", "red"]
COLOURS: dict[StateType, Colour] = {
    StateType.COMPLETED: "green",
    StateType.FAILED: "red",
    StateType.CRASHED: "red",
}
"""A run that was cancelled or superseded has no colour: it gives no verdict on the code."""
SUBJECT = {"repository": "", "ref": "HEAD", "directory": "."}
"""The parameters that name the stack of a run, with their defaults: a deployment may validate several stacks."""
RECENT = 200


def block_document(value: str) -> str:
    """Returns the type and name of a block, as Prefect loads it. Raises ValueError for another form."""
    kind, slash, name = value.partition("/")
    if value and not (kind and slash and name and "/" not in name):
        message = "must be the type and the name of a block, as in 'slack-webhook/predeploy'"
        raise ValueError(message)
    return value


class NotificationSettings(BaseSettings):
    """The receiver of the news of nightly runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    block: Annotated[str, AfterValidator(block_document)] = Field(
        default="", description="The notification block of Prefect that sends them; empty: no notifications."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has ended: its colour, its subject, and the reason for its end."""

    colour: Colour
    deployment: str
    name: str
    commit: str
    reason: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A message to people."""

    subject: str
    body: str


async def notify(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - called by keyword
    """A hook of every final state. An error here is logged, and changes no verdict."""
    colour = COLOURS.get(state.type)
    if colour is None:
        return
    logger = get_logger("predeploy.notification")
    try:
        block = NotificationSettings().block
    except ValidationError as error:
        logger.error("no notification was sent: PREDEPLOY_NOTIFY_BLOCK: %s", error.errors()[0]["msg"])  # noqa: TRY400
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
            logger.info("%s: sent to %s", news.subject, block)
    except Exception as error:
        logger.error("no notification was sent by %s: %s", block, _why(error))  # noqa: TRY400 - a traceback shows its URL


def news_of(run: Ended, before: Colour | None) -> News | None:
    """Returns the news since the run before, if there are any. A first run is news if it is red."""
    if run.colour == (before or "green"):
        return None
    turned = f"went from {before} to {run.colour}" if before else f"is {run.colour}, at its first run"
    lines = [f"{run.deployment}: {run.name} {turned}.", run.reason[:REASON]]
    lines += [f"commit: {run.commit}"] if run.commit else []
    lines += [f"run: {run.url}"] if run.url else []
    again = " again" if run.colour == "green" else ""
    return News(subject=f"predeploy: {run.name} is {run.colour}{again}", body="\n".join(filter(None, lines)))


def is_nightly(run: FlowRun) -> bool:
    """Returns whether a run is a nightly one: a schedule started it, or it has the tag."""
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
    """Returns the colour of the newest run before, of the same deployment on the same stack."""
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
    """Returns the reason without secrets: errors of blocks quote the URL, which is a secret."""
    kind = type(error).__name__
    if isinstance(error, httpx.HTTPStatusError):
        return f"the answer was {error.response.status_code}"
    if isinstance(error, httpx.TransportError):
        return f"its server cannot be reached ({kind})"
    return f"{error}. Look at Prefect's Blocks and PREDEPLOY_NOTIFY_BLOCK" if _is_plain(error) else kind


def _is_plain(error: Exception) -> bool:
    """Returns whether the error is about the block's name, raised before its content was read."""
    return str(error).startswith("Unable to find block document named") or isinstance(error, TypeError)
