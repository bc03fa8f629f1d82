"""The flow that deployments run: one commit of a repository elsewhere, cloned and validated."""

import asyncio
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.commits.checkout import cloned_stack, keep_report, remote_of
from flows.commits.notification import notify
from flows.commits.order import Order, run_name
from flows.commits.secret_blocks import worker_environment
from flows.commits.status import set_final_status, set_pending_status
from flows.distribution.parameters import Distribution
from flows.predeploy import validate_and_record
from flows.recording.states import no_verdict
from tasks.errors import PredeployError
from tasks.source.fetch import resolve_commit
from tasks.source.origin import Origin
from tasks.user_dirs import UserDirs
from tasks.validation.validation import new_run_id


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
        trusted: Off for code of strangers, such as a fork's: it gets no secrets and runs in containers only.
        policy: The commit whose predeploy.toml holds, where the validated one's own must not; needed unless trusted.
        distribute: Have the checks done in shards by workers of the pool `shards`, instead of by this one.
    """
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
    try:
        remote = await remote_of(order)
        commit = await asyncio.to_thread(resolve_commit, remote, ref)
        await set_pending_status(commit)
        get_run_logger().info("validating %s of %s", commit, repository)
        origin = Origin(repository=repository, commit=commit, directory=directory)
        distribution = Distribution(origin=origin, is_trusted=trusted, policy=policy)
        async with cloned_stack(order, remote, commit) as (stack, policy_directory):
            run_id = new_run_id()
            try:
                return await validate_and_record(
                    stack,
                    order.flags,
                    await worker_environment(is_trusted=trusted),
                    policy=policy_directory,
                    is_trusted=trusted,
                    distribution=distribution if distribute else None,
                    run_id=run_id,
                )
            finally:
                keep_report(stack, run_id, UserDirs.of_user().data / "validations")
    except PredeployError as error:
        return no_verdict(f"exit {error.exit_code}: {error}")
