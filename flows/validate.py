"""The flow that deployments run: one commit of a repository elsewhere, cloned and validated."""

from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State

from flows.commits.checkout import Order, run_name, validate_order
from flows.commits.notification import notify
from flows.commits.status import tell
from flows.recording.states import no_verdict
from tasks.errors import PredeployError


@flow(
    name="validate",
    flow_run_name=run_name,
    persist_result=False,
    on_completion=[tell, notify],
    on_failure=[tell, notify],
    on_crashed=[tell, notify],
    on_cancellation=[tell],
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
        return await validate_order(order, is_distributed=distribute)
    except PredeployError as error:
        return no_verdict(f"exit {error.exit_code}: {error}")
