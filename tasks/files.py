"""Copies directories of installed dependencies, by hard links where possible, and deletes directories."""
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH115, PTH123, PTH211
# (plain strings and os: making a Path for every file takes longer than everything else)

import asyncio
import errno
import os
import shutil
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[1]
"""Where our packages are: a checkout, or the site-packages of an environment."""
DOCUMENTATION = ("docs", "deployments/docs")
"""The places of the pages below PACKAGES: in a checkout, and in an installed package."""
PROBE_LOCK = PACKAGES / "tasks/probes/requirements.lock"
WRANGLER_LOCK = PACKAGES / "tasks/probes/wrangler.lock"
"""The lock of the packages that predeploy's own probes need."""
UNLINKABLE = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EACCES}
"""Errors that mean: no file of the source can be linked. Another device, or a file system or policy without links."""
REMOVE_ATTEMPTS = 20


def page(name: str) -> Path:
    """The path of a page of the documentation, which a reader can open."""
    places = [PACKAGES / place / name for place in DOCUMENTATION]
    return next((place for place in places if place.exists()), places[0])


async def clone_tree(source: Path, target: Path, *, has_links: bool = True) -> int:
    """Copies a directory of installed dependencies; returns the number of files.

    With `has_links` it makes hard links where possible: who writes to a file of the copy then changes the source, too.
    It replaces `target` as a whole or not at all. It works in a thread, and cancellation stops it.
    """
    cancelled = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_clone, source, target, cancelled, has_links))
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
    """Deletes a file or a directory, with read-only directories and with files that appear during the deletion."""
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
    os.chmod(path, 0o700)  # without these permissions, its entries cannot be listed and deleted
    with os.scandir(path) as entries:
        for entry in list(entries):
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    _remove(entry.path)
                else:
                    os.unlink(entry.path)
    os.rmdir(path)


def _clone(source: Path, target: Path, cancelled: threading.Event, has_links: bool) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}-{threading.get_ident()}")
    try:
        copier = Copier(cancelled, has_links=has_links)
        copier.copy(os.fspath(source), os.fspath(partial))
        remove_tree(target)
        partial.rename(target)
    finally:
        remove_tree(partial)
    return copier.files


class Copier:
    """One copy of a directory. Once a hard link fails, the rest of the directory is copied."""

    def __init__(self, cancelled: threading.Event, *, has_links: bool = True) -> None:
        self.files, self._links, self._cancelled = 0, has_links, cancelled

    def copy(self, source: str, target: str) -> None:
        if self._cancelled.is_set():
            raise InterruptedError(errno.EINTR, "the copy was cancelled", target)
        os.mkdir(target)
        with os.scandir(source) as entries:
            for entry in entries:
                copy = f"{target}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), copy)
                elif entry.is_dir():
                    self.copy(entry.path, copy)
                else:
                    self._copy_file(entry.path, copy)
                    self.files += 1
        # Only now: a directory that is read-only cannot be filled.
        shutil.copystat(source, target)

    def _copy_file(self, source: str, target: str) -> None:
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
    """Shares the blocks if the file system can, otherwise copies the bytes."""
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
