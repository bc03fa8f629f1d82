"""The end of a run leaves the cache within limits. It takes a few seconds at most, and nothing without new items.

Sizes that earlier runs recorded make it fast. What a run does not reach in its time, the next run deletes.
"""

import time
from contextlib import suppress
from pathlib import Path

from tasks.engines.local.exposed import forget_exposed
from tasks.engines.local.prune import DAY, SIZE, STORES, Limits, items_of, measured, removable, remove
from tasks.engines.local.store import remove_leftovers

GROWN = "grown"
"""A file in the cache that says: something was added after the limits were last applied."""
LIMITS = Limits(days=30, size=20 << 30)
"""The limits of `predeploy maintain` without flags."""
PATIENCE = 3.0
"""Seconds that a run spends on the limits."""


def sweep_cache(cache: Path) -> None:
    """Deletes what killed runs left in the cache: workspaces that had secrets, and incomplete or old entries.

    If something was added to the cache, it also deletes what exceeds the limits.
    """
    forget_exposed(cache / "stacks")
    for store in STORES:
        remove_leftovers(cache / store)
    mark = cache / GROWN
    if mark.exists():
        mark.unlink(missing_ok=True)
        if not bound_cache(cache, LIMITS, PATIENCE):
            mark.touch()


def mark_grown(cache: Path, item: Path) -> None:
    """An item was added to the cache or filled again: it is measured, and the end of the run applies the limits."""
    item.with_name(f"{item.name}{SIZE}").unlink(missing_ok=True)
    (cache / GROWN).touch()


def bound_cache(cache: Path, limits: Limits, patience: float) -> bool:
    """Deletes the least recently used items above the size limit. Returns whether some seconds were enough for it."""
    deadline = time.monotonic() + patience

    def recorded(lock: Path, parts: tuple[Path, ...], used: float) -> int:
        return recorded_size(lock, parts, used, deadline)

    try:
        items = [*items_of(cache, recorded)]
    except TimeoutError:
        return False
    left = sum(item.size for item in items)
    for item in removable(items, limits):
        if left <= limits.size:
            break
        if time.monotonic() > deadline:
            return False
        left -= item.size if remove(item) else 0
    return True


def recorded_size(lock: Path, parts: tuple[Path, ...], used: float, deadline: float) -> int:
    """The size of an item, measured again if it was used a day after the last time. TimeoutError: no time left."""
    file = lock.with_suffix(SIZE)
    with suppress(OSError, ValueError):
        if file.stat().st_mtime + DAY > used:
            return int(file.read_text())
    if time.monotonic() > deadline:
        raise TimeoutError
    size = measured(lock, parts, used)
    file.write_text(str(size))
    return size
