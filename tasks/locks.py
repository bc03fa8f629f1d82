"""Advisory locks on files, with flock: the kernel releases a lock when its process ends, however it ends.

A lock belongs to the open file, not to its path. So no process deletes a lock file that others may wait for: they would
get the lock of a file without a name, while the next process locks a new file of the same name. Descriptors are closed
in programs that this process starts, so that no child keeps a lock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_lock_file(path: Path, *, create: bool = True, mode: int = 0o600) -> int:
    """A descriptor of a lock file, not locked yet. Closing it releases the lock. Raises OSError for a symlink."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags | os.O_CREAT if create else flags, mode)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Locks, or returns False if another process has the lock. Raises OSError on a file system without locks."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share_lock(descriptor: int) -> None:
    """Turns an exclusive lock into a shared one."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def take_lock(path: Path) -> int:
    """Waits for the exclusive lock of a file, which is created if it does not exist; returns its descriptor."""
    return _take(path, fcntl.LOCK_EX)


def take_shared_lock(path: Path) -> int:
    """Waits for the shared lock of a file, which is created if it does not exist; returns its descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _take(path, fcntl.LOCK_SH)


def _take(path: Path, kind: int) -> int:
    descriptor = open_lock_file(path)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the exclusive lock of a file for the block; waits for it first."""
    descriptor = take_lock(path)
    try:
        yield
    finally:
        os.close(descriptor)
