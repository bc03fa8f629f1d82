"""Temporary directories of one process. It deletes its own; if it was killed, a later process deletes them."""

import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.files import remove_tree
from tasks.locks import open_lock_file, take_lock, try_lock

PREFIX = "predeploy-"
LOCK = ".lock"
UNLOCKED = re.compile(r"predeploy-(?:git-)?[a-z0-9_]{8}")
"""The names of directories that a process made, and was killed before it had locked them."""
OURS = frozenset({"HEAD", "acquire", "bin", "home", "logs", "objects", "out", "pg", "refs", "tmp"})
"""What such a directory may contain. Another directory with such a name is not ours."""
KEPT = 86400.0


def remove_now(path: Path, lock: int) -> None:
    """Deletes a directory, and closes the descriptor of its lock."""
    remove_locked(path)
    os.close(lock)


@contextmanager
def private_directory(base: Path, remove: Callable[[Path, int], None] = remove_now) -> Iterator[Path]:
    """A new directory below `base`. `remove` deletes it at the end of the block, and closes its lock."""
    base.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = take_lock(path / LOCK)
    try:
        yield path
    finally:
        remove(path, lock)


def remove_locked(path: Path) -> None:
    """Deletes a directory, its lock last: if this process is killed meanwhile, a later one finds the lock."""
    with suppress(OSError):  # the second deletion below raises it, if it persists
        for each in [*path.iterdir()]:
            if each.name != LOCK:
                remove_tree(each)
    remove_tree(path)


def remove_abandoned(base: Path) -> None:
    """Deletes the directories of killed processes: those of this user that no process has locked.

    A directory without a lock is deleted a day after its last change.
    """
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        _remove_if_free(lock)
    for path in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if UNLOCKED.fullmatch(path.name) and _is_left(path):
                remove_tree(path)


def _is_left(path: Path) -> bool:
    facts = path.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < KEPT:
        return False
    return {each.name for each in path.iterdir()} <= OURS


def _remove_if_free(lock: Path) -> None:
    try:
        if lock.lstat().st_uid != os.geteuid():
            return
        descriptor = open_lock_file(lock, create=False)
    except OSError:
        return
    try:
        if try_lock(descriptor):
            remove_locked(lock.parent)
    finally:
        os.close(descriptor)
