"""Copies directories of installed dependencies by hard links, and deletes directories of any content."""
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH115, PTH123, PTH211
# (plain strings and os: a Path object per file would dominate the run time)

import asyncio
import errno
import os
import shutil
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

UNLINKABLE = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EACCES}
"""Errors that rule out hard links for every file: another device, or a file system or a policy without hard links."""
REMOVE_ATTEMPTS = 20


async def clone_tree(source: Path, target: Path) -> int:
    """Copies a directory of installed dependencies, by hard links where possible; returns the number of files.

    Atomic: replaces `target` completely or not at all. Runs in a thread; a cancellation stops the thread.
    """
    cancelled = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_clone, source, target, cancelled))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        cancelled.set()
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        with suppress(OSError, InterruptedError):
            work.result()
        raise


def remove_tree(path: Path) -> None:
    """Deletes a file or a directory, including read-only directories and files that appear during the deletion."""
    for attempt in range(REMOVE_ATTEMPTS):
        try:
            _remove(os.fspath(path))
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR) or attempt == REMOVE_ATTEMPTS - 1:
                raise
            time.sleep(0.01 * attempt)
        else:
            return


def _remove(path: str) -> None:
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
        return
    os.chmod(path, 0o700)  # required to list and delete the entries of a read-only directory
    with os.scandir(path) as entries:
        for entry in list(entries):
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    _remove(entry.path)
                else:
                    os.unlink(entry.path)
    os.rmdir(path)


def _clone(source: Path, target: Path, cancelled: threading.Event) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}-{threading.get_ident()}")
    try:
        copier = Copier(cancelled)
        copier.copy(os.fspath(source), os.fspath(partial))
        remove_tree(target)
        partial.rename(target)
    finally:
        remove_tree(partial)
    return copier.files


class Copier:
    """One copy of a directory. After the first file without a hard link for a general reason, it copies all bytes."""

    def __init__(self, cancelled: threading.Event) -> None:
        self.files, self._links, self._cancelled = 0, True, cancelled

    def copy(self, source: str, target: str) -> None:
        if self._cancelled.is_set():
            raise InterruptedError(errno.EINTR, "the copy was cancelled", target)
        os.mkdir(target)
        with os.scandir(source) as entries:
            for entry in entries:
                destination = f"{target}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), destination)
                elif entry.is_dir():
                    self.copy(entry.path, destination)
                else:
                    self._link_or_copy(entry.path, destination)
                    self.files += 1
        # Last, because a read-only directory cannot be filled. Directories are copies, so they need mode and times.
        shutil.copystat(source, target)

    def _link_or_copy(self, source: str, target: str) -> None:
        if self._links:
            try:
                os.link(source, target, follow_symlinks=False)
            except OSError as error:
                if error.errno not in UNLINKABLE and error.errno != errno.EMLINK:
                    raise
                self._links = error.errno == errno.EMLINK
            else:
                return
        copy_file(source, target)
        shutil.copystat(source, target)


def copy_file(source: str, target: str) -> None:
    """Copies a file by shared blocks if the file system supports them, otherwise byte by byte."""
    copy_range = getattr(os, "copy_file_range", None)
    if copy_range is None:
        shutil.copyfile(source, target)
        return
    with open(source, "rb") as reader, open(target, "wb") as writer:
        try:
            while copy_range(reader.fileno(), writer.fileno(), 1 << 30):
                pass
        except OSError:
            reader.seek(0)
            writer.seek(0)
            writer.truncate()
            shutil.copyfileobj(reader, writer)
