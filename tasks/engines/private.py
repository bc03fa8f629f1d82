"""Temporary directories of one process. It deletes its own; if it was killed, a later process deletes them."""

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
    """A new directory below `base`, which is deleted at the end of the block."""
    base.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    lock = take_lock(path / LOCK)
    try:
        yield path
    finally:
        remove_tree(path)
        os.close(lock)


def remove_abandoned(base: Path) -> None:
    """Deletes the directories of killed processes: those of this user that no process has locked."""
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
