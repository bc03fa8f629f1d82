"""Begins at once what a plan needs: packages, the database and images. No check holds a place only to wait for them."""

import asyncio
import re
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.exits import Prepared
from tasks.planning.lowering import Lowering, database_of, environments_of
from tasks.planning.plan import Plan
from tasks.steps import Check


class Installs:
    """One task per environment. How it went is no matter here: the checks ask the engine for it again themselves."""

    def __init__(self, plan: Plan, engine: Engine, lowering: Lowering, logs: Path) -> None:
        self._engine = engine
        self._logs = logs
        self._wanted = {check.id: environments_of(check, lowering) for check in plan.checks}
        self._tasks: dict[str, asyncio.Task[Prepared]] = {}

    def start(self) -> None:
        """Begins with all of them at once: they wait for the network more than they compute."""
        for environments in self._wanted.values():
            for each in environments:
                if each.key not in self._tasks:
                    log = self._logs / f"install-{re.sub(r'[^a-z0-9]+', '-', each.title.lower()).strip('-')}.log"
                    self._tasks[each.key] = asyncio.create_task(self._engine.prepare(each, log))

    async def ready(self, check: Check) -> None:
        """Returns when what the check needs is installed, or could not be."""
        waiting = [self._tasks[each.key] for each in self._wanted[check.id] if each.key in self._tasks]
        if waiting:
            await asyncio.wait(waiting)

    async def stop(self) -> None:
        """Ends what nobody waits for any more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def warm(plan: Plan, engine: Engine, lowering: Lowering) -> None:
    """Has the database started, and the images built that have a Dockerfile: ours hold what earlier steps make.

    Never raises: what goes wrong is said by the checks that need it.
    """
    with_dockerfile = [check for check in plan.checks if check.image is not None and check.image.dockerfile]
    steps = [
        lowering.step(check, command) for check in with_dockerfile for command in check.commands if command.builds_image
    ]
    databases = [database for check in plan.checks if (database := database_of(check)) is not None]
    warming = [engine.warm_database(databases)] if databases else []
    await asyncio.gather(*warming, *map(engine.warm_image, steps), return_exceptions=True)
