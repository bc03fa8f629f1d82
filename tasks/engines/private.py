"""Directories that a process has for itself: gone when it lets go, and where it was killed, when the next one looks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.files import remove_tree
from tasks.locks import open_lock_file, take_lock, try_lock

PREFIX = "predeploy-"
LOCK = ".lock"


@contextmanager
def private_directory(base: Path) -> Iterator[Path]:
    """One below `base`, for the length of the block."""
    base.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = take_lock(path / LOCK)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(lock)


def remove_abandoned(base: Path) -> None:
    """Deletes those of processes that were killed: ours, and locked by nobody."""
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        _remove_if_free(lock)


def _remove_if_free(lock: Path) -> None:
    try:
        if lock.lstat().st_uid != os.geteuid():
            return
        descriptor = open_lock_file(lock, create=False)
    except OSError:
        return
    try:
        if try_lock(descriptor):
            remove_tree(lock.parent)
    finally:
        os.close(descriptor)
