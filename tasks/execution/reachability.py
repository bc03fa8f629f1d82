"""Asks whether this machine reaches a host, and whether the package registries of a component answer."""

import asyncio
import contextlib
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import UsageError
from tasks.planning.lowering import Lowering
from tasks.steps import Check

PORTS = (443, 80)
LIMIT = 4.0
"""Seconds for a connection."""


async def reaches(host: str) -> bool:
    """Whether the host's name resolves, and one of the usual ports accepts a connection."""
    for port in PORTS:
        if await _connects(host, port):
            return True
    return False


async def registries_answer(engine: Engine, lowering: Lowering, check: Check, log: Path) -> bool:
    """Whether the registries of the component's packages answer; the RUN lines of a Dockerfile may use them."""
    for name in ("production", "node"):
        with contextlib.suppress(UsageError):  # the component has no packages of this kind
            environment = lowering.environment(check, name)
            if environment is not None and not await engine.answers(environment, log):
                return False
    return True


async def _connects(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(LIMIT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, UnicodeError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
