"""Starts the preparation of packages, database and images early, so that no check occupies a job slot to wait."""

import asyncio
import re
from collections.abc import Awaitable
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.exits import Prepared
from tasks.planning.lowering import Lowering, database_of, environments_of
from tasks.planning.plan import Plan
from tasks.report.parts import BACKGROUND, part
from tasks.steps import Check, Environment


class Installs:
    """One installation task per environment. Ignores errors: each check asks the engine again and reports them."""

    def __init__(self, plan: Plan, engine: Engine, lowering: Lowering, logs: Path) -> None:
        self._engine = engine
        self._logs = logs
        self._environments = {check.id: environments_of(check, lowering) for check in plan.checks}
        self._tasks: dict[str, asyncio.Task[Prepared]] = {}

    def start(self) -> None:
        """Starts all installations at once: they are bound by the network, not by the CPU."""
        for environments in self._environments.values():
            for each in environments:
                if each.key not in self._tasks:
                    log = self._logs / f"install-{re.sub(r'[^a-z0-9]+', '-', each.title.lower()).strip('-')}.log"
                    self._tasks[each.key] = asyncio.create_task(self._install(each, log))

    async def _install(self, environment: Environment, log: Path) -> Prepared:
        with part(environment.title, BACKGROUND):
            return await self._engine.prepare(environment, log)

    async def ready(self, check: Check) -> None:
        """Returns when the installations that the check needs have ended, successfully or not."""
        waiting = [self._tasks[each.key] for each in self._environments[check.id] if each.key in self._tasks]
        if waiting:
            await asyncio.wait(waiting)

    async def stop(self) -> None:
        """Cancels the installations that still run."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def warm(plan: Plan, engine: Engine, lowering: Lowering) -> None:
    """Starts the database and builds the images that have a Dockerfile.

    Images without a Dockerfile contain outputs of earlier steps, so they are built later. Never raises: the checks
    that need the database or an image report its errors.
    """
    with_dockerfile = [check for check in plan.checks if check.image is not None and check.image.dockerfile]
    steps = [
        lowering.step(check, command) for check in with_dockerfile for command in check.commands if command.builds_image
    ]
    databases = [database for check in plan.checks if (database := database_of(check)) is not None]
    warming = [_noted("database", engine.warm_database(databases))] if databases else []
    building = (_noted("image", engine.warm_image(step)) for step in steps)
    await asyncio.gather(*warming, *building, return_exceptions=True)


async def _noted(name: str, work: Awaitable[object]) -> None:
    with part(name, BACKGROUND):
        await work
