"""Runs a step: one exec in a container with the step's workspace, environment, database and servers."""

from pathlib import Path

from tasks.engines.dagger.building import build, ensure_image
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.execution import StepOrder, execute, execute_unwrapped, note
from tasks.engines.dagger.indexes import acquiring, execute_parts
from tasks.engines.dagger.paths import WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.servers import with_servers, with_startup
from tasks.engines.dagger.session import Container
from tasks.engines.dagger.variables import outside_workspace
from tasks.engines.tokens import Tokens
from tasks.exits import Exit
from tasks.steps import Image, Step


async def run_step(resources: SessionResources, step: Step, log: Path) -> Exit:
    """Runs the step, and keeps its workspace for the next step of its slot.

    Raises EngineError, EngineRefusedError or ExecFailedError for failures of the engine.
    """
    if step.image is not None:
        return await (run_in_image if step.argv else build_only)(resources, step, step.image, log)
    await ensure(resources, step.environment, step.phase, log)
    container, names = await with_database(resources, await prepare_container(resources, step), step)
    container, names = await with_servers(resources, container, step, names, log)
    container = resources.with_secrets(container, step.secrets)
    order = StepOrder(
        argv=names.argv(step.argv),
        cwd=f"{WORK}/{step.cwd}",
        limit=step.limit,
        log=log,
        variables=resources.public_variables(names.env(step.env), step.secrets),
        volatile=step.volatile or resources.config.fresh,
        servers=tuple(each.name for each in step.services),
    )
    if step.phase == "acquire" and step.environment is not None:
        exit, after = await execute_parts(resources, container, order, step.argv, step.environment, names.argv)
    else:
        exit, after = await execute(resources, container, order)
    if after is not container:
        resources.keep(step, after)
    return exit


async def prepare_container(resources: SessionResources, step: Step) -> Container:
    """A container with the step's environment and workspace."""
    base, installed = await resources.base(step.environment, step.phase)
    container = resources.with_workspace(base, resources.slot(step), installed, step.slot)
    container = resources.on_path(container, step.environment, step.cwd, installed)
    return acquiring(resources, container) if step.phase == "acquire" else container


async def with_database(resources: SessionResources, container: Container, step: Step) -> tuple[Container, Tokens]:
    """The container bound to the step's database, and the token values."""
    names = resources.names(step.environment)
    if step.database is None:
        return container, names
    container, values = await resources.postgres.bind(container, step.database)
    return container, names.with_values(values)


async def build_only(resources: SessionResources, step: Step, image: Image, log: Path) -> Exit:
    """Builds the image of a step without a command."""
    exit, _ = await build(resources, image, log, step)
    note(StepOrder(argv=("build", image.title), cwd="/", limit=step.limit, log=log), exit, resources.redactor)
    return exit


async def run_in_image(resources: SessionResources, step: Step, image: Image, log: Path) -> Exit:
    """Runs the step's command in the image, in the image's working directory."""
    container = await ensure_image(resources, image, log, step)
    root = (await resources.session.ask(container.workdir()) if image.dockerfile else WORK) or "/"
    container, names = await with_database(resources, container, step)
    container = await with_startup(resources, container, step.env)
    container = resources.with_secrets(
        resources.with_variables(container, names.env(outside_workspace(step.env))), step.secrets
    )
    order = StepOrder(argv=names.argv(step.argv), cwd=root, limit=step.limit, log=log)
    return await execute_unwrapped(resources, container, order, root)
