"""The flow `shard`: a part of a distributed run, on one commit, with an engine of its own.

The run that started it waits for its results, which travel through Prefect's storage for results. The checks run in
tasks of their own, and Prefect has no part in them: it records how the shard ended.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.commits.checkout import cloned_stack, remote_of
from flows.commits.order import Order
from flows.commits.secret_blocks import worker_environment
from flows.distribution.parameters import CHOSEN, HERE_ONLY
from flows.distribution.publisher import ShardPublisher
from flows.distribution.shared_storage import SharedStorage
from flows.recording.states import masked, no_verdict, run_state
from tasks.distribution.records import ShardFacts
from tasks.errors import PredeployError, UsageError
from tasks.execution.executor import Run
from tasks.models import Report
from tasks.planning.plan import Plan
from tasks.redaction.streams import masked_errors
from tasks.report.directory import create_run_directory
from tasks.report.live import Silent
from tasks.secrets.deploy_check import NAME as DEPLOY_SECRETS
from tasks.trust import trust_of
from tasks.user_dirs import UserDirs
from tasks.validation.job import Job, prepare, take_environment
from tasks.validation.scope import Scope, keys_of, read_scope
from tasks.validation.validation import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The checks of a run that a shard does, and the settings, base and images that it shares with the run."""

    checks: tuple[str, ...]
    flags: Mapping[str, object]
    deployed: tuple[str, str] | None
    images: Mapping[str, str]
    is_trusted: bool


@flow(name="shard", persist_result=False)
async def shard(
    repository: str,
    commit: str,
    checks: list[str],
    results: str,
    directory: str = ".",
    images: dict[str, str] | None = None,
    choices: dict[str, Any] | None = None,
    deployed: list[str] | None = None,
    beat: float = 10.0,
    trusted: bool = True,
    policy: str = "",
) -> State[Any]:
    """Does a part of the checks of a run with --distribute, which starts it. Do not start it yourself.

    Args:
        repository: The URL of the repository, or its directory on the worker.
        commit: The whole SHA of the commit.
        checks: The ids of the checks to run; all that they need is among them.
        results: The place in the storage for results for its signs of life and its records.
        directory: Where in the repository the stack lies.
        images: The base images of the run, by tag, with their digests.
        choices: The settings of the run that decide what there is to check.
        deployed: The commit to upgrade from, and its title; empty if the run has none.
        beat: Seconds between two signs of life.
        trusted: Off for untrusted code, such as a fork's: it gets no secrets and runs in containers only.
        policy: The commit whose predeploy.toml applies instead of the validated commit's own.
    """
    order = Order(repository=repository, ref=commit, directory=directory, choices={}, is_trusted=trusted, policy=policy)
    share = Share(
        checks=tuple(checks),
        flags=flags_of(choices or {}, is_trusted=trusted),
        deployed=(deployed[0], deployed[1]) if deployed else None,
        images=images or {},
        is_trusted=trusted,
    )
    async with ShardPublisher(await SharedStorage.at(results), beat) as publisher:
        try:
            async with cloned_stack(order, await remote_of(order), commit) as (stack, its_policy):
                environ = await worker_environment(order.trust)
                return await do_share(stack, share, publisher, environ, its_policy)
        except PredeployError as error:
            publisher.conclude(trouble=(error.reason_code, str(error)))
            return no_verdict(f"exit {error.exit_code}: {error}")
        except Exception as error:
            publisher.conclude(trouble=("internal", f"{type(error).__name__}: {error}"))
            raise


def flags_of(choices: Mapping[str, object], *, is_trusted: bool) -> dict[str, object]:
    """Returns the settings that override all others. Raises UsageError for a setting that shards do not get."""
    if unknown := sorted(choices.keys() - {*CHOSEN, "engine"}):
        raise UsageError(f"choices: {', '.join(unknown)} is no setting that a run has for its shards. Leave it out.")
    return {**choices, **HERE_ONLY, **trust_of(is_trusted).settings}


def part_of(plan: Plan, checks: tuple[str, ...]) -> Plan:
    """Returns some checks of a plan. Raises UsageError if the plan lacks one, or one needs a check that is left out."""
    part = tuple(check for check in plan.checks if check.id in checks)
    known = {check.id for check in part}
    missing = sorted({*checks, *(need for check in part for need in check.needs)} - known)
    if missing:
        raise UsageError(f"the plan of this worker has no {', '.join(missing)}: it differs from the plan of the run.")
    return Plan(checks=part, whole=False)


def read_whole(stack: Path, share: Share, environ: Mapping[str, str], cache: Path, policy: Path | None) -> Scope:
    """Returns the scope of the whole run. The run decides whether it has `deploy_secrets`, not the worker's token."""
    has_token = DEPLOY_SECRETS in share.checks
    return read_scope(stack, share.flags, environ, cache, policy=policy, deployed=share.deployed, has_token=has_token)


async def do_share(
    stack: Path, share: Share, publisher: ShardPublisher, environ: Mapping[str, str], policy: Path | None
) -> State[Any]:
    """Runs the checks of the shard, and publishes each record as soon as there is one."""
    user_dirs = UserDirs.of_user()
    given = take_environment(environ, is_trusted=share.is_trusted)

    def plan_and_prepare() -> tuple[Scope, Job]:
        whole = read_whole(stack, share, given.environ, user_dirs.cache, policy)
        part = replace(whole, plan=part_of(whole.plan, share.checks))
        return whole, prepare(
            part,
            given,
            user_dirs=user_dirs,
            shown_stack=str(stack),
            is_trusted=share.is_trusted,
            whole=whole.plan,
            images=share.images,
        )

    # in a thread, so that signs of life continue meanwhile
    whole, job = await asyncio.to_thread(plan_and_prepare)
    with masked_errors(job.secrets.redactor), create_run_directory(stack, job.run_id) as run_directory:

        def begun(run: Run) -> None:
            publisher.follow(run, whole.plan, keys_of(whole), run_directory.logs)

        validation = Validation(job=job, directory=run_directory, progress=Silent(), begun=begun)
        report = await validation.run()
        await publisher.settled()
    publisher.conclude(facts=facts_of(report))
    return masked(run_state(report), job.secrets.redactor)


def facts_of(report: Report) -> ShardFacts:
    """Returns the facts that only the shard's report has."""
    return ShardFacts(engine=report.engine, warnings=report.warnings, secrets=report.secrets)
