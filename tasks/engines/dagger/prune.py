"""Prunes the cache of a running Dagger engine. It does not start an engine."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tasks.engines.dagger.reach import find_engine
from tasks.engines.dagger.session import EngineRefusedError, open_session
from tasks.engines.pruned import Pruned
from tasks.errors import EngineError
from tasks.redaction.redactor import NOTHING

CONNECT_LIMIT, PRUNE_LIMIT = 20.0, 1800.0
NAME = "Dagger engine"


async def prune_engine(environ: Mapping[str, str], log: Path, size: int) -> Pruned:
    """Prunes unused cache by the engine's policy, to `size` bytes; or returns the reason why not."""
    reach = await asyncio.to_thread(find_engine, environ)
    if not reach.is_there or reach.starts:
        return Pruned(what=NAME, undone=reach.trouble or f"{reach.by} would have to be started first")
    try:
        session = await open_session(environ, log, NOTHING, limit=CONNECT_LIMIT)
    except EngineError as error:
        return Pruned(what=NAME, undone=str(error))
    try:
        cache = session.client.engine().local_cache()
        before = await session.ask(cache.entry_set().disk_space_bytes())
        # the engine's policy has a reserve, which may exceed the limit
        prune = cache.prune(use_default_policy=True, max_used_space=str(size), reserved_space=str(size))
        await session.ask(prune, limit=PRUNE_LIMIT)
        # a different key, because the engine caches its answers
        after = await session.ask(session.client.engine().local_cache().entry_set(key="").disk_space_bytes())
    except (EngineError, EngineRefusedError) as error:
        return Pruned(what=NAME, undone=str(error))
    finally:
        await session.close()
    return Pruned(what=NAME, before=before, after=after)
