"""Keeps the cache within limits: deletes old items, then the least recently used, and none that a run has locked."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.store import USED
from tasks.engines.pruned import Pruned
from tasks.files import remove_tree
from tasks.locks import open_lock_file, try_lock

STORES = ("environments", "toolchains", "postgres")
"""Directories of store entries, each with a lock file."""
WORKSPACES = ("stacks", "snapshots")
"""Directories of workspaces by stack, each with a lock file and further files with its name."""
DOWNLOADS = "stores"
"""The directory of the installers' caches of downloads. Its lock file is next to it, and each run shares the lock."""
SIZE = ".size"
"""The end of the name of a file with the size of an item, next to its lock."""
MEMORIES = ("digests", "durations", "receipts", "results/??", "results/latest")
"""Directories of files that only save time."""
DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Days that an item is kept after its last use, and the maximum of bytes in total."""

    days: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Files that are deleted together. `used` is the time of the last use. A locked `lock` prevents the deletion."""

    parts: tuple[Path, ...]
    used: float
    size: int
    lock: Path | None = None


Measure = Callable[[Path, tuple[Path, ...], float], int]
"""The size of an item, by its lock, its parts and the time of its last use."""


def prune_cache(cache: Path, limits: Limits, now: float) -> Pruned:
    """Deletes items over the age limit, then the least recently used until the size limit is met."""
    before = left = size_of(cache)
    removed = held = 0
    for item in removable([*items_of(cache, measured)], limits):
        if now - item.used <= limits.days * DAY and left <= limits.size:
            continue
        if remove(item):
            left, removed = left - item.size, removed + 1
        else:
            held += 1
    return Pruned(what="cache", before=before, after=size_of(cache), removed=removed, held=held)


def removable(items: list[Item], limits: Limits) -> Iterator[Item]:
    """The items in the order of their deletion: downloads that take more than half, then what was not used for longest.

    Every run uses the downloads, so the time of their last use says nothing.
    """
    downloads = [item for item in items if item.parts[0].name == DOWNLOADS]
    yield from (item for item in downloads if item.size > limits.size // 2)
    yield from sorted((item for item in items if item.parts[0].name != DOWNLOADS), key=lambda item: item.used)


def prune_reports(home: Path, days: float, now: float) -> Pruned:
    """Deletes reports of validated commits that are older than `days`."""
    before, removed = size_of(home), 0
    for run in home.glob("*"):
        with suppress(FileNotFoundError):  # a run that ends deletes reports, too, above its own limit
            if now - run.stat().st_mtime > days * DAY:
                remove_tree(run)
                removed += 1
    return Pruned(what="reports", before=before, after=size_of(home), removed=removed)


def items_of(cache: Path, measure: Measure) -> Iterator[Item]:
    """All items of the cache. The caches of downloads are one item."""
    if (downloads := cache / f"{DOWNLOADS}.lock").exists():
        yield from _locked(downloads, (cache / DOWNLOADS, downloads.with_suffix(SIZE)), downloads, measure)
    for lock in (path for store in STORES for path in (cache / store).glob("*.lock")):
        entry = lock.with_suffix("")
        yield from _locked(lock, (entry, lock.with_suffix(SIZE)), entry / USED, measure)
    for lock in (path for kind in WORKSPACES for path in (cache / kind).glob("*/*.lock")):
        workspace = lock.with_suffix("")
        others = (
            workspace.with_name(workspace.name + end) for end in (".json", ".cache", ".modules", ".exposed", SIZE)
        )
        seals = workspace.parent.glob(f"{workspace.name}.modules.*")
        yield from _locked(lock, (workspace, *others, *seals), lock, measure)
    for file in (path for kind in MEMORIES for path in cache.glob(f"{kind}/*.json")):
        yield Item(parts=(file,), used=file.stat().st_mtime, size=size_of(file))


def measured(_: Path, parts: tuple[Path, ...], __: float) -> int:
    """The size of an item now."""
    return sum(map(size_of, parts))


def _locked(lock: Path, parts: tuple[Path, ...], mark: Path, measure: Measure) -> Iterator[Item]:
    there = tuple(part for part in parts if part.exists())
    if there:
        used = (mark if mark.exists() else there[0]).stat().st_mtime
        yield Item(parts=there, used=used, size=measure(lock, there, used), lock=lock)


def remove(item: Item) -> bool:
    """Deletes an item unless a run has locked it; returns whether it did. The lock file stays: see tasks/locks.py."""
    if item.lock is None:
        item.parts[0].unlink(missing_ok=True)
        return True
    descriptor = open_lock_file(item.lock, create=False)
    try:
        if not try_lock(descriptor):
            return False
        for part in item.parts:
            remove_tree(part)
        return True
    finally:
        os.close(descriptor)


def size_of(path: Path) -> int:
    """The bytes on the disk below a path. A file with several hard links counts with its share under each.

    A cache can have millions of files, so each costs one `lstat`. Files that are deleted meanwhile or that cannot be
    read do not count.
    """
    found = 0
    waiting: list[str] = []
    with suppress(OSError):
        facts = path.lstat()
        found = share(facts)
        waiting = [str(path)] if stat.S_ISDIR(facts.st_mode) else []
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    found += share(entry.stat(follow_symlinks=False))
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return found


def share(facts: os.stat_result) -> int:
    """The bytes on the disk that one of the names of a file stands for."""
    return facts.st_blocks * 512 // (1 if stat.S_ISDIR(facts.st_mode) else max(1, facts.st_nlink))
