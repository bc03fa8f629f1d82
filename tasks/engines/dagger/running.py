"""Runs a step: its workspace, its environment and what it asks for, put around one exec."""

from pathlib import Path

from tasks.engines.dagger.building import build, ensure_image
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.execution import Order, execute, execute_bare, note
from tasks.engines.dagger.paths import WORK
from tasks.engines.dagger.resources import Workshop
from tasks.engines.dagger.servers import beside
from tasks.engines.dagger.session import Container
from tasks.engines.dagger.variables import outside
from tasks.engines.tokens import Tokens
from tasks.exits import Exit
from tasks.steps import Image, Step


async def run_step(shop: Workshop, step: Step, log: Path) -> Exit:
    """Runs the step and keeps what it left for the next one of its slot.

    Raises EngineError, RefusedError or ExecFailedError where the engine cannot.
    """
    if step.image is not None:
        return await (run_in_image if step.argv else build_only)(shop, step, step.image, log)
    await ensure(shop, step.environment, step.phase, log)
    container, names = await with_database(shop, await furnish(shop, step), step)
    container, names = await beside(shop, container, step, names, log)
    container = shop.with_secrets(container, step.secrets)
    order = Order(
        argv=names.argv(step.argv),
        cwd=f"{WORK}/{step.cwd}",
        limit=step.limit,
        log=log,
        variables=shop.open_variables(names.env(step.env), step.secrets),
        volatile=step.volatile or shop.site.fresh,
        servers=tuple(each.name for each in step.services),
    )
    exit, after = await execute(shop, container, order)
    if after is not container:
        shop.keep(step, after)
    return exit


async def furnish(shop: Workshop, step: Step) -> Container:
    """The step's environment with its workspace in it."""
    base, installed = await shop.base(step.environment, step.phase)
    container = shop.furnished(base, shop.slot(step), installed, step.slot)
    container = shop.on_path(container, step.environment, step.cwd, installed)
    return shop.acquiring(container) if step.phase == "acquire" else container


async def with_database(shop: Workshop, container: Container, step: Step) -> tuple[Container, Tokens]:
    """The container with the step's database beside it, and what its tokens stand for."""
    names = shop.names(step.environment)
    if step.database is None:
        return container, names
    container, values = await shop.postgres.bind(container, step.database)
    return container, names.with_values(values)


async def build_only(shop: Workshop, step: Step, image: Image, log: Path) -> Exit:
    """Builds the image."""
    exit, _ = await build(shop, image, log, step)
    note(Order(argv=("build", image.title), cwd="/", limit=step.limit, log=log), exit, shop.redactor)
    return exit


async def run_in_image(shop: Workshop, step: Step, image: Image, log: Path) -> Exit:
    """Runs the step's command in the image, from where the image itself would."""
    container = await ensure_image(shop, image, log, step)
    root = (await shop.session.ask(container.workdir()) if image.dockerfile else WORK) or "/"
    container, names = await with_database(shop, container, step)
    container = shop.with_secrets(shop.with_variables(container, names.env(outside(step.env))), step.secrets)
    order = Order(argv=names.argv(step.argv), cwd=root, limit=step.limit, log=log)
    return await execute_bare(shop, container, order, root)
