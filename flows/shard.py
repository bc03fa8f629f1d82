"""The flow of a shard: a part of a run that somebody waits for elsewhere, on one commit, with an engine of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.commits.validate import Order, bring, remote_of, run_environment
from flows.distribution.parameters import CHOSEN, HERE_ONLY
from flows.distribution.publisher import ShardPublisher
from flows.distribution.shared_storage import SharedStorage
from flows.predeploy import prepare
from flows.recording.states import no_verdict, run_state
from tasks.distribution.records import ShardFacts
from tasks.errors import PredeployError, UsageError
from tasks.execution.executor import Run
from tasks.models import Report
from tasks.planning.plan import Plan
from tasks.redaction.streams import masked_errors
from tasks.report.directory import create_run_directory
from tasks.report.live import Silent
from tasks.trust import trust_of
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope, keys_of, read_scope, with_secrets
from tasks.validation.validation import Validation, new_run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What of a run a shard does, and how."""

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
    """Does a part of the checks of a run that was started with --distribute. Nobody else starts this.

    Args:
        repository: The URL of the repository, or its directory on the worker.
        commit: The whole SHA of the commit.
        checks: The ids of the checks to run; all that they need is among them.
        results: Where in the storage for results it tells of itself.
        directory: Where in the repository the stack lies.
        images: The base images of the run, by tag, with their digests.
        choices: The settings of the run that decide what there is to check.
        deployed: The commit to upgrade from, and what that is; empty where the run knows of none.
        beat: How often it says that it lives, in seconds.
        trusted: Off for code of strangers, such as a fork's: it gets no secrets and runs in containers only.
        policy: The commit whose predeploy.toml holds, where the validated one's own must not.
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
            async with bring(order, await remote_of(order)) as (stack, its_policy):
                return await do_share(stack, share, publisher, await run_environment(order), its_policy)
        except PredeployError as error:
            publisher.conclude(trouble=(error.reason_code, str(error)))
            return no_verdict(f"exit {error.exit_code}: {error}")
        except Exception as error:
            publisher.conclude(trouble=("internal", f"{type(error).__name__}: {error}"))
            raise


def flags_of(choices: Mapping[str, object], *, is_trusted: bool) -> dict[str, object]:
    """The settings that win over all others. Raises UsageError for one that a run does not decide for its shards."""
    if unknown := sorted(choices.keys() - {*CHOSEN, "engine"}):
        raise UsageError(f"choices: {', '.join(unknown)} is none that a run makes for its shards. Leave it out.")
    return {**choices, **HERE_ONLY, **trust_of(is_trusted).settings}


def part_of(plan: Plan, checks: tuple[str, ...]) -> Plan:
    """Some checks of a plan. Raises UsageError where it has not all of them, or they need others."""
    part = tuple(check for check in plan.checks if check.id in checks)
    known = {check.id for check in part}
    missing = sorted({*checks, *(need for check in part for need in check.needs)} - known)
    if missing:
        raise UsageError(f"this worker knows no {', '.join(missing)} here: it plans otherwise than the run does.")
    return Plan(checks=part, whole=False)


async def do_share(
    stack: Path, share: Share, publisher: ShardPublisher, environ: Mapping[str, str], policy: Path | None
) -> State[Any]:
    """Runs the part, and tells of it as it goes on."""
    user_dirs, run_id = UserDirs.of_user(), new_run_id()
    whole: list[Scope] = []

    def read(environ: Mapping[str, str]) -> Scope:
        scope = read_scope(stack, share.flags, environ, user_dirs.cache, policy=policy, deployed=share.deployed)
        whole.append(scope)
        return replace(scope, plan=part_of(scope.plan, share.checks))

    # in a thread: signs of life go on meanwhile
    prepared = await asyncio.to_thread(prepare, environ, read, is_trusted=share.is_trusted)
    keys, plan = keys_of(whole[0]), whole[0].plan
    with masked_errors(prepared.secrets.redactor), create_run_directory(stack, run_id) as run_directory:

        def begun(run: Run) -> None:
            publisher.follow(run, plan, keys, run_directory.logs)

        validation = Validation(
            scope=with_secrets(prepared.scope, prepared.secrets),
            user_dirs=user_dirs,
            directory=run_directory,
            progress=Silent(),
            environ=prepared.environ,
            run_id=run_id,
            called_as="python -m flows.predeploy",
            shown_stack=str(stack),
            begun=begun,
            secrets=prepared.secrets,
            exposure=prepared.exposure,
            token=prepared.token,
            is_trusted=share.is_trusted,
            whole=plan,
            images=share.images,
        )
        report = await validation.run()
        await publisher.settled()
    publisher.conclude(facts=facts_of(report))
    return run_state(report)


def facts_of(report: Report) -> ShardFacts:
    """What only the shard's report knows."""
    return ShardFacts(engine=report.engine, warnings=report.warnings, secrets=report.secrets)
