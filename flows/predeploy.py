"""The parent flow. `python -m flows.predeploy` is the command line; a deployment's entrypoint is the flow itself."""

if __name__ == "__main__":
    # Before anything is imported: `-m` looks for modules in the current directory first, and that may be a stack's;
    # Prefect reads its settings when it is imported, and the command line has yet to make them.
    import sys

    if not sys.flags.safe_path:
        del sys.path[0]
    from flows.cli.process import enter

    enter()

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.distribution.parameters import Distribution, reject_undistributable
from flows.recording.run_events import RunEvents, enter_run_events, is_recording
from flows.recording.settle import record
from flows.recording.states import run_state
from tasks.execution.executor import Run
from tasks.hardening import TOKEN_VARIABLE, Exposure, exposure_of, hide, take_token_and_close_memory
from tasks.redaction.streams import masked_errors
from tasks.report.directory import create_run_directory
from tasks.report.document import render_document
from tasks.report.live import Silent
from tasks.report.publish import publish
from tasks.secrets import NO_SECRETS, Secrets
from tasks.secrets.doppler.token import Token, read_token
from tasks.trust import trust_of
from tasks.user_dirs import UserDirs
from tasks.validation.gate import entered
from tasks.validation.scope import Scope, existing, read_scope, read_secrets, read_settings, with_secrets
from tasks.validation.validation import Validation, new_run_id


@flow(name="predeploy", flow_run_name="predeploy {stack}", persist_result=False)
async def predeploy(
    stack: str = ".",
    stages: list[str] | None = None,
    only: list[str] | None = None,
    skip: list[str] | None = None,
    gate: bool = False,
    engine: Literal["auto", "dagger", "local"] = "auto",
) -> State[Any]:
    """Would a deploy of the tree in `stack` succeed?

    Args:
        stack: The directory of the stack.
        stages: Only these stages: build, quality, integration.
        only: Only these checks and what they need.
        skip: Without these checks and what needs them.
        gate: As a deploy needs it: a clean clone of the commit, the whole catalogue, full proof.
        engine: What runs the checks: dagger (containers), local (this machine), or auto, which chooses.
    """
    if is_recording():
        return await record()
    chosen = {"stages": stages, "only": only, "skip": skip, "gate": gate, "engine": engine if engine != "auto" else ""}
    flags: dict[str, object] = {name: value for name, value in chosen.items() if value}
    home = existing(Path(stack))
    with entered(home, read_settings(home, flags, os.environ), "", UserDirs.of_user().data) as place:
        return await validate_and_record(place, flags, home=home)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that a run which Prefect has started needs to know before it begins."""

    scope: Scope
    secrets: Secrets
    exposure: Exposure
    token: Token | None
    environ: Mapping[str, str]


def prepare(
    environ: Mapping[str, str],
    read: Callable[[Mapping[str, str]], Scope],
    *,
    is_trusted: bool,
    takes_secrets: bool = True,
) -> Prepared:
    """Reads the scope, and takes the secrets that its checks declare: this process shows none from then on."""
    ours = take_token_and_close_memory()
    given = environ.get(TOKEN_VARIABLE, ours)
    token = read_token(given) if trust_of(is_trusted).has_secrets else None
    environ = {name: value for name, value in environ.items() if name != TOKEN_VARIABLE}
    scope = read(environ)
    secrets = read_secrets(scope, environ, token, UserDirs.of_user().data) if takes_secrets else NO_SECRETS
    hide(secrets)
    return Prepared(scope=scope, secrets=secrets, exposure=exposure_of(given), token=token, environ=environ)


def start_recording(run: Run) -> asyncio.Task[State[Any]]:
    """Has Prefect told of a run that has begun, from now on."""
    events = RunEvents(run)
    events.follow()
    enter_run_events(events)
    return asyncio.create_task(record())


async def validate_and_record(
    stack: Path,
    flags: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    *,
    home: Path | None = None,
    policy: Path | None = None,
    is_trusted: bool = True,
    distribution: Distribution | None = None,
    run_id: str = "",
) -> State[Any]:
    """A run that Prefect itself has started: the work and its record in one loop. The report goes to `home`.

    `policy` is the directory of the `predeploy.toml` that holds, where it is not the stack's own. With a `distribution`
    the checks are done by workers, who have the secrets. Whoever looks for the report afterwards gives `run_id`.
    """
    user_dirs = UserDirs.of_user()
    run_id = run_id or new_run_id()

    def read(environ: Mapping[str, str]) -> Scope:
        scope = read_scope(stack, flags, environ, user_dirs.cache, home=home, policy=policy)
        if distribution is not None:
            reject_undistributable(scope.settings)
        return scope

    prepared = prepare(environ, read, is_trusted=is_trusted, takes_secrets=distribution is None)
    secrets = prepared.secrets
    recording: list[asyncio.Task[State[Any]]] = []

    with masked_errors(secrets.redactor), create_run_directory(prepared.scope.home, run_id) as directory:
        validation = Validation(
            scope=with_secrets(prepared.scope, secrets),
            user_dirs=user_dirs,
            directory=directory,
            progress=Silent(),
            environ=prepared.environ,
            run_id=run_id,
            called_as="python -m flows.predeploy",
            shown_stack=str(stack),
            begun=lambda run: recording.append(start_recording(run)),
            secrets=secrets,
            exposure=prepared.exposure,
            token=prepared.token,
            is_trusted=is_trusted,
            distribution=distribution,
        )
        report = await validation.run()
        publish(directory, {"report.json": render_document(report)})
    try:
        return await recording[0]
    except Exception as error:
        # what was found out about the code stands, however much of it Prefect has heard
        get_run_logger().warning("the run was not recorded as a whole: %s", error)
        return run_state(report)
