"""Which base images a plan will take, resolved before it begins: for parts of it that run on several engines."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from tasks.engines.dagger.images import BaseImageResolver, choose_node, choose_python
from tasks.engines.dagger.session import open_session
from tasks.errors import EngineError
from tasks.planning.lowering import Lowering, environments_of
from tasks.planning.plan import Plan
from tasks.redaction.redactor import NOTHING
from tasks.stack import Version
from tasks.steps import Environment

LIMIT = 20.0
"""Seconds to reach an engine that is there."""
Wanted = tuple[str, str]
"""A base image by its name in the table, and the version that is filled in."""


def wanted_by(plan: Plan, lowering: Lowering) -> tuple[Wanted, ...]:
    """The base images that the checks of a plan run in. A version that is none is the checks' own to tell."""
    environments = (each for check in plan.checks for each in environments_of(check, lowering))
    found = {("python", choose_python(Version()).version), ("uv", ""), *versions_of(environments)}
    databases = {("postgres", "")} if any(check.database for check in plan.checks) else set()
    return tuple(sorted(found | databases))


def versions_of(environments: Iterable[Environment]) -> set[Wanted]:
    """What environments are made on."""
    found = set()
    for each in environments:
        try:
            choice = choose_python(each.version) if each.kind == "python" else choose_node(each.version)
        except EngineError:
            continue
        found.add((str(each.kind), choice.version))
    return found


async def resolve(
    wanted: Iterable[Wanted], environ: Mapping[str, str], overrides: Mapping[str, str], log: Path
) -> dict[str, str]:
    """For each tag the reference with its digest, by a session that ends with it.

    One that cannot be had is left out: the check that needs it says so. Raises EngineError where no engine answers.
    """
    session = await open_session(environ, log, NOTHING, limit=LIMIT)
    try:
        images = BaseImageResolver(session, overrides, {})
        asked = (images.get(name, version) for name, version in wanted)
        await asyncio.gather(*asked, return_exceptions=True)
        return images.pinned
    finally:
        await session.close()
