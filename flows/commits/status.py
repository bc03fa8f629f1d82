"""The commit status on GitHub: pending when the commit is known, then the result of the flow run."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefect import Flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.utilities.urls import url_for

from flows.commits.order import Order
from flows.commits.secret_blocks import read_block
from tasks.errors import PredeployError
from tasks.github.settings import GitHubSettings
from tasks.github.status import CommitStatus, GitHub, StatusState, set_status
from tasks.models import Report
from tasks.source.fetch import Remote

COMMIT = "commit:"
"""Prefix of the tag that names the commit of a run. Hooks read it there, also in the worker's process."""
MEANING = {
    StateType.COMPLETED: StatusState.SUCCESS,
    StateType.FAILED: StatusState.FAILURE,
    StateType.CRASHED: StatusState.ERROR,
    StateType.CANCELLED: StatusState.ERROR,
    StateType.CANCELLING: StatusState.ERROR,
}


async def set_pending_status(commit: str) -> None:
    """Tags the current flow run with the commit, and sets the commit's status to pending."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    async with get_client() as client:
        await client.update_flow_run(context.flow_run.id, tags=commit_tags(context.flow_run.tags, commit))
        run = await client.read_flow_run(context.flow_run.id)
    try:
        await _set(run, StatusState.PENDING, "validating")
    except PredeployError as error:
        # the status on GitHub is no part of the verdict
        get_run_logger().warning("%s", error)


def commit_tags(tags: Iterable[str], commit: str) -> list[str]:
    """Returns the tags with this commit in place of any other: a ref of a repeated run may name a new commit."""
    return [*(tag for tag in tags if not tag.startswith(COMMIT)), f"{COMMIT}{commit}"]


async def set_final_status(flow: Flow[Any, Any] | None, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - called by keyword
    """A hook of every final state. The run's own process calls it, or the worker if that process has ended."""
    meaning = MEANING.get(state.type)
    if meaning is None:
        return
    async with get_client() as client:
        run = await client.read_flow_run(flow_run.id)
    # a worker that cancels passes a new state; the reason stands in the state of the run
    reported = run.state if state.is_cancelling() and run.state else state
    try:
        await _set(run, meaning, reported.message or reported.name or str(reported.type))
    except PredeployError as error:
        get_logger("predeploy.status").error("%s", error)


def commit_of(run: FlowRun) -> str:
    """Returns the commit of a run; empty if the run ended before its commit was known."""
    return next((tag.removeprefix(COMMIT) for tag in run.tags if tag.startswith(COMMIT)), "")


def context_of(name: str, parameters: Mapping[str, Any]) -> str:
    """Returns the name of a status. A fork's run and a gate have their own: a weaker claim replaces no stronger one."""
    fork = "" if parameters.get("trusted", True) else "/fork"
    return f"{name}{fork}{'/gate' if parameters.get('gate') else ''}"


async def github_token(github: GitHubSettings) -> str:
    """Returns the token from the environment, or from the block of Prefect that it names; empty if there is none."""
    if github.token is not None:
        return github.token.get_secret_value()
    if not github.token_block:
        return ""
    return await read_block(github.token_block, "PREDEPLOY_GITHUB_TOKEN_BLOCK")


async def report_on_github(order: Order, commit: str, report: Report) -> None:
    """Keeps the comment on pull requests, if it is wanted, and makes a check run with the token of an app.

    Neither is a part of the verdict.
    """
    from flows.commits.check_run import check_run_of_flow
    from flows.commits.pull_comment import comment_of_flow

    github, context = GitHubSettings(), FlowRunContext.get()
    path = Remote(repository=order.repository, server=github.server_url).path_on_server
    if not path:
        return
    name = context_of(github.context, {"trusted": order.is_trusted, "gate": order.choices.get("gate")})
    url = (url_for(context.flow_run) if context and context.flow_run else None) or ""
    try:
        token = await github_token(github)
    except PredeployError as error:
        get_run_logger().warning("%s", error)
        return
    title = f"{name}/{report.stack}"
    for warning in (
        await comment_of_flow(report, path, commit, token, title, url),
        await check_run_of_flow(report, path, commit, token, title, url, order.directory),
    ):
        if warning:
            get_run_logger().warning("%s", warning)


async def _set(run: FlowRun, state: StatusState, description: str) -> None:
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
