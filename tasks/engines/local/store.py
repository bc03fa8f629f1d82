"""A store of directories that are created once per machine. Incomplete ones are created again, under a lock."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tasks.engines.local.seal import SEAL, damage
from tasks.engines.workspace import remove_tree
from tasks.locks import open_lock_file, share_lock, try_lock

COMPLETE = ".complete"
USED = ".last_used"
POLL = 0.05
KEPT = 30 * 86400.0
"""Seconds that an entry is kept after its last use."""


class StoreEntry:
    """A directory of the store, locked until `close`: shared if it is `ready`, otherwise exclusively, to fill it."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @property
    def ready(self) -> bool:
        """Whether it is complete."""
        return is_complete(self.path)

    def complete(self) -> None:
        """Marks the directory as complete. Other processes can use it from now on."""
        (self.path / COMPLETE).touch()
        share_lock(self._lock)

    def invalidate(self) -> None:
        """Marks the directory as incomplete: the next process that can lock it makes it again."""
        (self.path / COMPLETE).unlink(missing_ok=True)

    def touch(self) -> None:
        """Records the time of this use."""
        (self.path / USED).write_text(f"{time.time():.0f}\n")

    def close(self) -> None:
        """Releases the lock, once. An incomplete directory is deleted, unless another process still uses it."""
        if self._lock < 0:
            return
        if not self.ready and try_lock(self._lock):
            remove_tree(self.path)
        os.close(self._lock)
        self._lock = -1


async def open_entry(path: Path, waiting: Callable[[], None]) -> StoreEntry:
    """Locks the entry at `path`: shared if it is complete, otherwise exclusively and empty.

    `waiting` is called once if another process is creating it.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    descriptor = open_lock_file(path.with_name(path.name + ".lock"))
    is_reported = False
    try:
        while True:
            complete = is_complete(path)
            if try_lock(descriptor, shared=complete):
                # before the lock, another process may have completed or deleted it
                if is_complete(path) == complete:
                    break
                continue
            if not is_reported:
                waiting()
                is_reported = True
            await asyncio.sleep(POLL)
        if not complete:
            await asyncio.to_thread(remove_tree, path)
            await asyncio.to_thread(path.mkdir)
    except BaseException:
        os.close(descriptor)
        raise
    return StoreEntry(path, descriptor)


async def open_sound(
    path: Path, waiting: Callable[[], None], is_damaged: Callable[[str], None], *, is_whole: bool = False
) -> StoreEntry:
    """Opens an entry whose files are as they were sealed. A damaged one is emptied, and `is_damaged` gets a file of it.

    `is_whole`: every content is read.
    """
    entry = await open_entry(path, waiting)
    try:
        found = await asyncio.to_thread(damage, path, path / SEAL, is_whole=is_whole) if entry.ready else ""
        if not found:
            return entry
        if (path / SEAL).exists():  # without a seal, it is of an earlier version
            is_damaged(found)
        entry.invalidate()
    except BaseException:
        await asyncio.to_thread(entry.close)
        raise
    await asyncio.to_thread(entry.close)
    return await open_entry(path, waiting)


def is_complete(path: Path) -> bool:
    """Whether a directory is marked as complete."""
    return (path / COMPLETE).exists()


def is_removable(path: Path) -> bool:
    """Whether an unlocked directory is incomplete, or has not been used for a month."""
    used = path / USED
    return not is_complete(path) or (used.exists() and time.time() - used.stat().st_mtime > KEPT)


@asynccontextmanager
async def filled(
    path: Path, waiting: Callable[[], None], is_damaged: Callable[[str], None]
) -> AsyncIterator[StoreEntry]:
    """An open entry for the length of a block, whose files are as they were sealed."""
    entry = await open_sound(path, waiting, is_damaged)
    try:
        yield entry
    finally:
        entry.close()


def remove_leftovers(base: Path) -> None:
    """Deletes unlocked entries of killed builds, and unlocked entries without use for a month."""
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
