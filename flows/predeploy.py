"""The parent flow. `python -m flows.predeploy` is the command line; a deployment's entrypoint is the flow itself."""

if __name__ == "__main__":
    # Before anything is imported: `-m` looks for modules in the current directory first, and that may be a stack's;
    # Prefect reads its settings when it is imported, and the command line has yet to make them.
    import sys

    if not sys.flags.safe_path:
        del sys.path[0]
    from flows.entry import enter

    enter()

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.feed import Feed, enter_feed, is_recording
from flows.gate import entered
from flows.hiding import exposure_of, hide, take_token
from flows.masking import masked_errors
from flows.places import Places
from flows.recording import record
from flows.scope import existing, read_scope, read_secrets, read_settings, with_secrets
from flows.states import run_state
from flows.validation import Validation, new_run_id
from tasks.report.directory import create_run_directory
from tasks.report.document import render_document
from tasks.report.live import Silent
from tasks.report.publish import publish
from tasks.run import Run
from tasks.secrets.doppler.token import VARIABLE, read_token


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
    with entered(home, read_settings(home, flags, os.environ), "", Places.of_user().data) as place:
        return await validate_and_record(place, flags, home=home)


async def validate_and_record(
    stack: Path,
    flags: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    *,
    home: Path | None = None,
    policy: Path | None = None,
    is_trusted: bool = True,
    run_id: str = "",
) -> State[Any]:
    """A run that Prefect itself has started: the work and its record in one loop. The report goes to `home`.

    `policy` is the directory of the `predeploy.toml` that holds, where it is not the stack's own. Whoever looks for
    the report afterwards gives `run_id`.
    """
    places = Places.of_user()
    run_id = run_id or new_run_id()
    given = take_token()
    token = read_token(given) if is_trusted else None
    environ = {name: value for name, value in environ.items() if name != VARIABLE}
    scope = read_scope(stack, flags, environ, places.cache, home=home, policy=policy)
    secrets = read_secrets(scope, environ, token, places.data)
    hide(secrets)
    recording: list[asyncio.Task[State[Any]]] = []

    def begun(run: Run) -> None:
        feed = Feed(run)
        feed.follow()
        enter_feed(feed)
        recording.append(asyncio.create_task(record()))

    with masked_errors(secrets.redactor), create_run_directory(scope.home, run_id) as directory:
        validation = Validation(
            scope=with_secrets(scope, secrets),
            places=places,
            directory=directory,
            progress=Silent(),
            environ=environ,
            run_id=run_id,
            called_as="python -m flows.predeploy",
            shown_stack=str(stack),
            begun=begun,
            secrets=secrets,
            exposure=exposure_of(given),
            token=token,
            is_trusted=is_trusted,
        )
        report = await validation.run()
        publish(directory, {"report.json": render_document(report)})
    try:
        return await recording[0]
    except Exception as error:
        # what was found out about the code stands, however much of it Prefect has heard
        get_run_logger().warning("the run was not recorded as a whole: %s", error)
        return run_state(report)
