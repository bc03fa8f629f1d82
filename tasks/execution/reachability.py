"""Asks whether this machine reaches a host."""

import asyncio
import contextlib

PORTS = (443, 80)
LIMIT = 4.0
"""Seconds for a connection."""


async def reaches(host: str) -> bool:
    """Whether the host's name resolves, and one of the usual ports accepts a connection."""
    for port in PORTS:
        if await _connects(host, port):
            return True
    return False


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
