"""Begins what checks will ask for later, beside those that run first."""

import asyncio

from tasks.engines.protocol import Engine
from tasks.planning.lowering import Lowering, database_of
from tasks.planning.plan import Plan


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
