"""The flow `validate`, which deployments run: would a deploy of one commit of a repository succeed?

It clones the commit, takes the policy that applies to its code, validates the stack, and reports: the commit status on
GitHub, and a notification if a nightly run ends in another colour than the one before. The checks run in
tasks next to the flow that records them (see `flows/predeploy.py`). A slow Prefect does not delay them.
"""

import asyncio
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.commits.checkout import cloned_stack, keep_report, remote_of
from flows.commits.notification import notify
from flows.commits.order import Order, run_name
from flows.commits.secret_blocks import worker_environment
from flows.commits.status import report_on_github, set_final_status, set_pending_status
from flows.distribution.opening import choose_work
from flows.distribution.parameters import Distribution, reject_undistributable
from flows.predeploy import record_or_warn
from flows.recording.inline import running
from flows.recording.states import no_verdict
from tasks.errors import PredeployError
from tasks.source.fetch import resolve_commit
from tasks.source.origin import Origin
from tasks.user_dirs import UserDirs
from tasks.validation.job import prepare, take_environment
from tasks.validation.scope import read_scope


@flow(
    name="validate",
    flow_run_name=run_name,
    persist_result=False,
    on_completion=[set_final_status, notify],
    on_failure=[set_final_status, notify],
    on_crashed=[set_final_status, notify],
    on_cancellation=[set_final_status],
)
async def validate(
    repository: str,
    ref: str = "HEAD",
    directory: str = ".",
    environment: str = "",
    gate: bool = False,
    engine: Literal["auto", "dagger", "local"] = "auto",
    stages: list[Literal["build", "quality", "integration"]] | None = None,
    only: list[str] | None = None,
    skip: list[str] | None = None,
    trusted: bool = True,
    policy: str = "",
    distribute: bool = False,
) -> State[Any]:
    """Would a deploy of this commit succeed?

    Args:
        repository: The URL of the repository, or its directory on the worker.
        ref: A branch, a tag, or the whole SHA of a commit.
        directory: Where in the repository the stack lies.
        environment: The deploy target whose secrets have to be there; none if empty.
        gate: As a deploy needs it: the whole catalogue, no earlier results, full proof.
        engine: What runs the checks: dagger (containers), local (the worker's machine), or auto, which chooses.
        stages: Only these stages.
        only: Only these checks and what they need.
        skip: Without these checks and what needs them.
        trusted: Off for untrusted code, such as a fork's: it gets no secrets and runs in containers only.
        policy: The commit whose predeploy.toml applies instead of the validated commit's own; needed unless trusted.
        distribute: Have the checks done in shards by workers of the pool `shards`, instead of by this one.
    """
    try:
        order = Order(
            repository=repository,
            ref=ref,
            directory=directory,
            choices={
                "environment": environment,
                "gate": gate,
                "engine": engine if engine != "auto" else "",
                "stages": stages,
                "only": only,
                "skip": skip,
            },
            is_trusted=trusted,
            policy=policy,
        )
        remote = await remote_of(order)
        commit = await asyncio.to_thread(resolve_commit, remote, ref)
        await set_pending_status(commit)
        get_run_logger().info("validating %s of %s", commit, repository)
        async with cloned_stack(order, remote, commit) as (stack, policy_directory):
            return await validate_stack(order, commit, stack, policy_directory, is_distributed=distribute)
    except PredeployError as error:
        return no_verdict(f"exit {error.exit_code}: {error}")


async def validate_stack(
    order: Order, commit: str, stack: Path, policy: Path | None, *, is_distributed: bool
) -> State[Any]:
    """Takes the secrets, validates the clone, records it, and keeps the report."""
    user_dirs = UserDirs.of_user()
    given = take_environment(await worker_environment(order.trust), is_trusted=order.is_trusted)
    has_token = given.token is not None
    scope = read_scope(stack, order.flags, given.environ, user_dirs.cache, policy=policy, has_token=has_token)
    distribution = None
    if is_distributed:
        reject_undistributable(scope.settings)
        origin = Origin(repository=order.repository, commit=commit, directory=order.directory)
        distribution = Distribution(origin=origin, is_trusted=order.is_trusted, policy=order.policy)
    kept = user_dirs.data / "validations"
    job = prepare(
        scope,
        given,
        user_dirs=user_dirs,
        called_as="predeploy",
        shown_stack=order.directory,  # a command for a checkout: the clone is removed
        kept=kept,
        is_trusted=order.is_trusted,
        takes_secrets=not is_distributed,
    )
    try:
        async with running(job, choose_work(distribution)) as run:  # an engine here, or shards; the checks begin now
            state = await record_or_warn(run)
            await report_on_github(order, commit, await run.report())
            return state
    finally:
        keep_report(stack, job.run_id, kept)
