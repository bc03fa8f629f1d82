"""Directories that a process has for itself: gone when it lets go, and where it was killed, when the next one looks."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.files import remove_tree

PREFIX = "predeploy-"
LOCK = ".lock"


@contextmanager
def private_directory(base: Path) -> Iterator[Path]:
    """One below `base`, for the length of the block."""
    base.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = hold(path / LOCK)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(lock)


def hold(lock: Path) -> int:
    """Locks a new file for as long as this process lives."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def remove_abandoned(base: Path) -> None:
    """Deletes those of processes that were killed: ours, and locked by nobody."""
    for lock in base.glob(f"{PREFIX}*/{LOCK}"):
        _remove_if_free(lock)


def _remove_if_free(lock: Path) -> None:
    try:
        if lock.lstat().st_uid != os.geteuid():
            return
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        remove_tree(lock.parent)
    finally:
        os.close(descriptor)
