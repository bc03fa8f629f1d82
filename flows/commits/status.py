"""The status of the commit that a flow run validates: pending once it is known, then whatever the run ends in."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefect import Flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.utilities.urls import url_for

from flows.commits.secret_blocks import read_block
from tasks.errors import PredeployError
from tasks.github.settings import GitHubSettings
from tasks.github.status import CommitStatus, GitHub, StatusState, set_status
from tasks.source.fetch import Remote

COMMIT = "commit:"
"""Begins the tag that says which commit a run is about: hooks in whatever process find it there."""
MEANING = {
    StateType.COMPLETED: StatusState.SUCCESS,
    StateType.FAILED: StatusState.FAILURE,
    StateType.CRASHED: StatusState.ERROR,
    StateType.CANCELLED: StatusState.ERROR,
    StateType.CANCELLING: StatusState.ERROR,
}


async def bind(commit: str) -> None:
    """Binds the current flow run to the commit that it is about to clone, and says that its status is pending."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    async with get_client() as client:
        await client.update_flow_run(context.flow_run.id, tags=bound(context.flow_run.tags, commit))
        run = await client.read_flow_run(context.flow_run.id)
    try:
        await _tell(run, StatusState.PENDING, "validating")
    except PredeployError as error:
        # what GitHub is told is no part of the verdict
        get_run_logger().warning("%s", error)


def bound(tags: Iterable[str], commit: str) -> list[str]:
    """The tags of a run that is about a commit, and no other: one that is run again may find another at its ref."""
    return [*(tag for tag in tags if not tag.startswith(COMMIT)), f"{COMMIT}{commit}"]


async def tell(flow: Flow[Any, Any] | None, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - called by keyword
    """A hook of every final state. The run's own process calls it, or the worker where that is gone."""
    meaning = MEANING.get(state.type)
    if meaning is None:
        return
    async with get_client() as client:
        run = await client.read_flow_run(flow_run.id)
    # a worker that cancels makes up a state of its own; why it does so is in the one that the run is in
    told = run.state if state.is_cancelling() and run.state else state
    try:
        await _tell(run, meaning, told.message or told.name or str(told.type))
    except PredeployError as error:
        get_logger("predeploy.status").error("%s", error)


def commit_of(run: FlowRun) -> str:
    """The commit that a run is bound to; empty where it did not come so far."""
    return next((tag.removeprefix(COMMIT) for tag in run.tags if tag.startswith(COMMIT)), "")


def context_of(name: str, parameters: Mapping[str, Any]) -> str:
    """What a status is called. What claims less must not pass for what claims more, on a commit that has both."""
    strange = "" if parameters.get("trusted", True) else "/fork"
    return f"{name}{strange}{'/gate' if parameters.get('gate') else ''}"


async def github_token(github: GitHubSettings) -> str:
    """The token from the environment, or from the block of Prefect that is named there; empty where there is none."""
    if github.token is not None:
        return github.token.get_secret_value()
    if not github.token_block:
        return ""
    return await read_block(github.token_block, "PREDEPLOY_GITHUB_TOKEN_BLOCK")


async def _tell(run: FlowRun, state: StatusState, description: str) -> None:
    github = GitHubSettings()
    remote = Remote(repository=str(run.parameters.get("repository", "")), server=github.server_url)
    commit = commit_of(run)
    if not commit or not remote.path_on_server:
        return
    status = CommitStatus(
        state=state,
        context=context_of(github.context, run.parameters),
        description=description,
        url=url_for(run) or "",
    )
    api = GitHub(api_url=github.api_url, token=await github_token(github))
    await set_status(api, remote.path_on_server, commit, status)
