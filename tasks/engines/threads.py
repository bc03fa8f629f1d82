"""Work in threads, where cancellation waits for the end of the work."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like asyncio.to_thread, but a cancellation is raised only after the end of the work: threads cannot be stopped.

    It is for work that writes files, if the caller deletes or changes these files afterwards.
    """
    running = asyncio.ensure_future(asyncio.to_thread(partial(work, *args, **kwargs)))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        running.exception()  # marks the exception as retrieved
        raise
