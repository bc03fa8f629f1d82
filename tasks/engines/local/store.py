"""What is made once on this machine and kept: directories that are whole, or are made anew under a lock."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tasks.engines.workspace import remove_tree
from tasks.locks import open_lock_file, share_lock, try_lock

COMPLETE = ".complete"
USED = ".last_used"
POLL = 0.05
KEPT = 30 * 86400.0
"""Seconds that an entry is kept after its last use."""


class StoreEntry:
    """A directory of the store, ours to use until it is closed; ours alone to fill while it is not `ready`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @property
    def ready(self) -> bool:
        """It was filled to its end."""
        return is_complete(self.path)

    def complete(self) -> None:
        """Says that the directory is whole. From here on others may use it too."""
        (self.path / COMPLETE).touch()
        share_lock(self._lock)

    def touch(self) -> None:
        """Remembers that somebody needed it."""
        (self.path / USED).write_text(f"{time.time():.0f}\n")

    def close(self) -> None:
        """Lets go. What was left unfinished is deleted."""
        if not self.ready:
            remove_tree(self.path)
        os.close(self._lock)


async def open_entry(path: Path, waiting: Callable[[], None]) -> StoreEntry:
    """Takes hold of `path`: shared where it is whole, alone and empty where it is not.

    `waiting` is called once if another process is just making it.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    descriptor = open_lock_file(path.with_name(path.name + ".lock"))
    told = False
    try:
        while True:
            whole = is_complete(path)
            if try_lock(descriptor, shared=whole):
                # between the look and the lock it may have been finished, or pruned
                if is_complete(path) == whole:
                    break
                continue
            if not told:
                waiting()
                told = True
            await asyncio.sleep(POLL)
        if not whole:
            await asyncio.to_thread(remove_tree, path)
            await asyncio.to_thread(path.mkdir)
    except BaseException:
        os.close(descriptor)
        raise
    return StoreEntry(path, descriptor)


def is_complete(path: Path) -> bool:
    """Whether a directory was filled to its end."""
    return (path / COMPLETE).exists()


def is_removable(path: Path) -> bool:
    """Whether a directory that nobody holds is worth nothing any more."""
    used = path / USED
    return not is_complete(path) or (used.exists() and time.time() - used.stat().st_mtime > KEPT)


@asynccontextmanager
async def filled(path: Path, waiting: Callable[[], None]) -> AsyncIterator[StoreEntry]:
    """An entry for the length of a block."""
    entry = await open_entry(path, waiting)
    try:
        yield entry
    finally:
        entry.close()


def remove_leftovers(base: Path) -> None:
    """Deletes what nobody holds, of builds that were killed and of entries that nobody needed for a month."""
    for lock in base.glob("*.lock"):
        path = lock.with_suffix("")
        if not path.exists() or not is_removable(path):
            continue
        descriptor = open_lock_file(lock, create=False)
        try:
            if try_lock(descriptor) and is_removable(path):
                remove_tree(path)
        finally:
            os.close(descriptor)
