"""The parent flow `predeploy`: would a deploy of the tree in a directory succeed?

Prefect records a run, but does not execute its checks. The executor (`tasks/execution/executor.py`) runs every check
once, in tasks that no flow awaits. The subflows and their task runs mirror its events, which travel one way. A Prefect
that is slow, hangs or fails changes no verdict; the report then says that the run was not recorded.

`python -m flows.predeploy` is the command line: it runs the checks, and a thread of it runs this flow as the recorder.
A deployment's entrypoint is the flow itself: then it begins the run, and records it in the same loop.
"""

if __name__ == "__main__":
    # Before any import: `-m` looks for modules in the current directory first, and that may be a stack's. Prefect reads
    # its settings when it is imported, and the command line has yet to make them.
    import sys

    if not sys.flags.safe_path:
        del sys.path[0]
    from flows.cli.bytecode import protect_bytecode

    protect_bytecode()
    from flows.cli.process import enter, without_collector

    def load_flow() -> object:
        """Imports Prefect and this flow, when the recorder's thread needs them."""
        with without_collector():
            from flows.predeploy import predeploy as flow_of_this_module

        return flow_of_this_module

    enter(load_flow)

import asyncio
import os
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.recording.inline import running
from flows.recording.run_events import RunEvents, current_run_events, is_recording
from flows.recording.states import masked, run_state
from flows.stages import build, integration, mirrored, quality
from tasks.models import Stage
from tasks.redaction.gate import redact, redact_document
from tasks.report.formats.artifacts import report_markdown, report_table
from tasks.source.places import existing
from tasks.user_dirs import UserDirs
from tasks.validation.engine_work import open_engine_work
from tasks.validation.gate import entered
from tasks.validation.job import prepare, take_environment
from tasks.validation.scope import read_scope
from tasks.validation.stack_settings import read_settings


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
        only: Only these checks and the checks that they need.
        skip: Without these checks and the checks that need them.
        gate: Validate for a deploy: a clean clone of the commit, the whole catalogue, full proof.
        engine: What runs the checks: dagger (containers), local (this machine), or auto, which chooses.
    """
    if is_recording():  # a run of the command line, which goes on in another thread
        return await record(current_run_events())
    chosen = {"stages": stages, "only": only, "skip": skip, "gate": gate, "engine": engine if engine != "auto" else ""}
    flags: dict[str, object] = {name: value for name, value in chosen.items() if value}
    user_dirs, home = UserDirs.of_user(), existing(Path(stack))
    given = take_environment(os.environ, is_trusted=True)
    # the stack as it is, or for a gate a clean clone of its commit
    settings, has_token = read_settings(home, flags, given.environ), given.token is not None
    with entered(home, settings, "", user_dirs.data) as place:
        same = settings if place == home else None  # a clone has the predeploy.toml of its commit
        scope = read_scope(  # components and plan
            place, flags, given.environ, user_dirs.cache, home=home, settings=same, has_token=has_token
        )
        job = prepare(scope, given, user_dirs=user_dirs, shown_stack=str(place))  # the secrets that the plan declares
        async with running(job, open_engine_work) as run:  # the engine, and the checks, which begin now
            return await record_or_warn(run)


async def record_or_warn(run: RunEvents) -> State[Any]:
    """Records a run of this process. An error of the recording does not change the verdict."""
    try:
        return await record(run)
    except Exception as error:
        report = await run.report()  # raises the error that ended the run, if there is one
        get_run_logger().warning("the run was not recorded as a whole: %s", error)
        return masked(run_state(report), run.redactor)


async def record(run: RunEvents) -> State[Any]:
    """Mirrors a run in the current flow run: the stages side by side, then the report as artifacts.

    Raises an error if Prefect did not record all of it. The checks run meanwhile, in tasks that this function only
    observes.
    """
    run.flow_run_id = flow_run.id
    stages = await asyncio.gather(
        mirrored(build, run.checks_of(Stage.BUILD)),
        mirrored(quality, run.checks_of(Stage.QUALITY)),
        mirrored(integration, run.checks_of(Stage.INTEGRATION)),
        return_exceptions=True,  # a stage that Prefect fails to record ends no other one
    )
    report = await run.report()
    markdown = redact(report_markdown(report), run.redactor)
    table = redact_document(report_table(report), run.redactor)
    await acreate_markdown_artifact(markdown, key="predeploy-report", description="The report of this run")
    if table:
        await acreate_table_artifact(table, key="predeploy-checks", description="Every check of this run")
    for stage in stages:
        if isinstance(stage, BaseException):
            raise stage
    return masked(run_state(report), run.redactor)
