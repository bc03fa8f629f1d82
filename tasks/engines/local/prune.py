"""Keeps our cache within limits: what nobody needed for long goes, then the longest unused, never what a run holds."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.store import USED
from tasks.files import remove_tree
from tasks.locks import open_lock_file, try_lock

STORES = ("environments", "toolchains", "postgres")
"""Entries that are made once, each with its lock."""
WORKSPACES = ("stacks", "snapshots")
"""By stack, directories that runs lease, each with its lock and files of that name beside it."""
MEMORIES = ("digests", "durations")
"""Files that only save time."""
DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For how many days something is kept after its last use, and how many bytes there may be in all."""

    days: float
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What goes as a whole or not at all. `used` is the moment of its last use; nobody may hold its `lock`."""

    parts: tuple[Path, ...]
    used: float
    size: int
    lock: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What upkeep came to: bytes before and after and how many items went, where that is known, and how many that were
    due are held by runs. `undone` is why it could not be done."""

    what: str
    before: int | None = None
    after: int | None = None
    removed: int | None = None
    held: int = 0
    undone: str = ""

    @property
    def summary(self) -> str:
        """All of it in a line."""
        if self.undone:
            return f"{self.what}: left as it is: {self.undone}"
        facts = []
        if self.before is not None and self.after is not None:
            facts.append(f"{megabytes(self.after)}, {megabytes(self.before)} before")
        if self.removed is not None:
            facts.append(f"{self.removed} gone" + (f", {self.held} held by runs" if self.held else ""))
        return f"{self.what}: {'; '.join(facts)}"


def megabytes(size: int) -> str:
    """A size as people read it."""
    return f"{size / (1 << 20):,.0f} MB"


def prune_cache(cache: Path, limits: Limits, now: float) -> Pruned:
    """Deletes what is older than the limit, then the longest unused until the rest is small enough."""
    before = left = size_of(cache)
    removed = held = 0
    for item in sorted(items_of(cache), key=lambda item: item.used):
        if now - item.used <= limits.days * DAY and left <= limits.size:
            break
        if remove(item):
            left, removed = left - item.size, removed + 1
        else:
            held += 1
    return Pruned(what="cache", before=before, after=size_of(cache), removed=removed, held=held)


def prune_reports(home: Path, days: float, now: float) -> Pruned:
    """Deletes the reports of validated commits that were kept longer; nobody reads one while it is written."""
    before, removed = size_of(home), 0
    for run in home.glob("*"):
        with suppress(FileNotFoundError):  # a run that ends has its own limit of how many there may be
            if now - run.stat().st_mtime > days * DAY:
                remove_tree(run)
                removed += 1
    return Pruned(what="reports", before=before, after=size_of(home), removed=removed)


def items_of(cache: Path) -> Iterator[Item]:
    """Everything in the cache that may go."""
    for lock in (path for store in STORES for path in (cache / store).glob("*.lock")):
        place = lock.with_suffix("")
        yield from _locked(lock, (place,), place / USED)
    for lock in (path for kind in WORKSPACES for path in (cache / kind).glob("*/*.lock")):
        place = lock.with_suffix("")
        beside = (place.with_name(place.name + end) for end in (".json", ".cache", ".modules"))
        yield from _locked(lock, (place, *beside), lock)
    for file in (path for kind in MEMORIES for path in (cache / kind).glob("*.json")):
        yield Item(parts=(file,), used=file.stat().st_mtime, size=size_of(file))


def _locked(lock: Path, parts: tuple[Path, ...], mark: Path) -> Iterator[Item]:
    there = tuple(part for part in parts if part.exists())
    if there:
        used = (mark if mark.exists() else there[0]).stat().st_mtime
        yield Item(parts=there, used=used, size=sum(map(size_of, there)), lock=lock)


def remove(item: Item) -> bool:
    """Deletes an item that no run holds; tells whether. Its lock stays: somebody may be waiting for that very file."""
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
    """The bytes on the disk; a file of several names counts with its share under each of them."""
    found = 0
    waiting = [path]
    while waiting:
        place = waiting.pop()
        try:
            facts = place.lstat()
            found += facts.st_blocks * 512 // (1 if place.is_dir() else max(1, facts.st_nlink))
            if place.is_dir() and not place.is_symlink():
                waiting += place.iterdir()
        except OSError:  # it went meanwhile, or is not ours to look at
            continue
    return found
