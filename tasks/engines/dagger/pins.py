"""Resolves the base images of a plan before it begins: all shards then use the same digests."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from tasks.engines.dagger.images import BaseImageResolver, choose_node, choose_python
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import open_session
from tasks.errors import EngineError
from tasks.planning.lowering import Lowering, environments_of
from tasks.planning.plan import Plan
from tasks.redaction.redactor import NOTHING
from tasks.stack import Version
from tasks.steps import Environment

LIMIT = 20.0
"""Seconds to connect to a running engine."""
Wanted = tuple[str, str]
"""The name of a base image in the table, and its version."""


def wanted_by(plan: Plan, lowering: Lowering) -> tuple[Wanted, ...]:
    """The base images of the checks in a plan. An invalid version is left out: its checks report it."""
    environments = (each for check in plan.checks for each in environments_of(check, lowering))
    return of_run(environments, has_database=any(check.database for check in plan.checks))


def of_run(environments: Iterable[Environment], *, has_database: bool) -> tuple[Wanted, ...]:
    """The base images of environments, and those that a run needs besides."""
    found = {("python", choose_python(Version()).version), ("uv", ""), *versions_of(environments)}
    return tuple(sorted(found | ({("postgres", "")} if has_database else set())))


def versions_of(environments: Iterable[Environment]) -> set[Wanted]:
    """The base images of environments."""
    found = set()
    for each in environments:
        try:
            choice = choose_python(each.version) if each.kind == "python" else choose_node(each.version)
        except EngineError:
            continue
        found.add((str(each.kind), choice.version))
    return found


async def identify(
    resources: SessionResources, environments: Iterable[Environment], images: Iterable[str], *, has_database: bool
) -> dict[str, str]:
    """The references with digest of `images`, and of the base images of environments and of the run; and the platform.

    Raises EngineError if one is not available.
    """
    wanted = of_run(environments, has_database=has_database)
    others, resolver = sorted({*images}), resources.images
    pinned = asyncio.gather(*(resolver.get(name, version) for name, version in wanted))
    # packages that have to be compiled are installed in the full image, which few stacks need
    full = (resolver.get(name, version, full=True) for name, version in wanted if name == "python")
    references = asyncio.gather(*(resolver.reference(image) for image in others))
    platform = resources.session.ask(resources.client.default_platform())
    _, _, found, name = await asyncio.gather(
        pinned, asyncio.gather(*full, return_exceptions=True), references, platform
    )
    return {**resolver.pinned, **dict(zip(others, found, strict=True)), "platform": name}


async def resolve(
    wanted: Iterable[Wanted], environ: Mapping[str, str], overrides: Mapping[str, str], log: Path
) -> dict[str, str]:
    """The reference with digest for each tag, from a session of its own.

    An unavailable image is left out: the checks that need it report it. Raises EngineError if no engine answers.
    """
    session = await open_session(environ, log, NOTHING, limit=LIMIT)
    try:
        images = BaseImageResolver(session, overrides, {})
        asked = (images.get(name, version) for name, version in wanted)
        await asyncio.gather(*asked, return_exceptions=True)
        return images.pinned
    finally:
        await session.close()
