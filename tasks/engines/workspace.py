"""Workspaces that are kept between runs: directories with exactly the files of a tree, synced by content."""
# ruff: noqa: PTH101, PTH102, PTH103, PTH105, PTH108, PTH115, PTH123, PTH211
# (plain strings and os: making a Path for every file takes longer than everything else)

import errno
import hashlib
import itertools
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tasks.errors import EngineError
from tasks.files import clone_tree, remove_tree
from tasks.locks import open_lock_file, try_lock
from tasks.source.digest_cache import KnownDigests
from tasks.source.tree import Tree, TreeFile

__all__ = ["Synced", "clone_tree", "lease", "remove_tree", "sync"]

SECOND = 1_000_000_000
TEMPORARY = ".predeploy-new-"
SYMLINK, DIRECTORY = 0o120000, 0o755
CHUNK = 1 << 20
GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO}
"""Errors of opening a source that is not a file or a symlink any more."""
MARGIN_NS = 50_000_000
"""Longer than a clock tick of the file systems that caches are on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The number of files written, and of files and directories deleted."""

    changed: int
    removed: int


def sync(tree: Tree, files: Mapping[str, TreeFile], workspace: Path, *, keep: Collection[str] = ()) -> Synced:
    """Makes `workspace` contain exactly `files`. The relative paths `keep` stay as they are.

    It blocks: call it in a thread. `<workspace>.json` next to the workspace remembers the digests of written files.
    Without it, or after an interrupted sync, files are compared by content. Raises EngineError (`tree_changed`) if a
    file has changed since the tree was read.
    """
    memory = workspace.with_name(f"{workspace.name}.json")
    work = _Sync(tree.root, workspace, KnownDigests.load(memory, MARGIN_NS))
    try:
        try:
            work.clean(files, frozenset(path.strip("/") for path in keep))
            for path, file in files.items():
                work.settle(path, file)
        finally:
            work.known.keep_only(files)
            work.known.save(memory, time.time_ns())
    except OSError as error:
        reason_code = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "workspace"
        text = f"Cannot fill the workspace {workspace}: {error}. Make room there, or set another cache directory."
        raise EngineError(text, reason_code) from error
    return Synced(changed=work.changed, removed=work.removed)


@contextmanager
def lease(base: Path, name: str, first: int = 0) -> Iterator[Path]:
    """A workspace directory `base/name-N` for this block alone. It may contain the files of an earlier tree.

    The numbers are tried in order, after `first`.
    """
    base.mkdir(parents=True, exist_ok=True)
    numbers = itertools.chain([first], (each for each in itertools.count() if each != first))
    paths = (base / f"{quote(name, safe='')}-{number}" for number in numbers)
    path, lock = next((path, lock) for path in paths if (lock := _locked(Path(f"{path}.lock"))) is not None)
    try:
        os.utime(lock)  # the time of its last use, for pruning
        path.mkdir(exist_ok=True)
        yield path
    finally:
        os.close(lock)


def _locked(file: Path) -> int | None:
    """The descriptor of a lock file that is locked now; None if another one holds it."""
    lock = open_lock_file(file)
    try:
        if try_lock(lock):
            return lock
    except OSError as error:
        os.close(lock)
        where = f"Cannot lock {file}: {error.strerror}. The cache directory must lie on a file system with locks"
        raise EngineError(f"{where}; set another one.") from error
    os.close(lock)
    return None


class _Sync:
    """One sync. Paths are plain strings, because there are tens of thousands."""

    def __init__(self, root: Path, workspace: Path, known: KnownDigests) -> None:
        self.root, self.workspace, self.known = os.fspath(root), os.fspath(workspace), known
        self.changed = self.removed = 0
        self._made = {""}

    def clean(self, files: Mapping[str, TreeFile], keep: Collection[str]) -> None:
        """Deletes everything that is not in the tree, and makes directories writable."""
        wanted = {parent for path in (*files, *keep) for parent in _parents(path)}
        if os.path.lexists(self.workspace) and not stat.S_ISDIR(os.lstat(self.workspace).st_mode):
            remove_tree(Path(self.workspace))
        os.makedirs(self.workspace, exist_ok=True)
        pending = [""]
        while pending:
            directory = pending.pop()
            target = self._absolute(directory)
            if os.lstat(target).st_mode & 0o7777 != DIRECTORY:
                os.chmod(target, DIRECTORY)
            self._made.add(directory)
            with os.scandir(target) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            for name, is_directory in found:
                path = f"{directory}/{name}" if directory else name
                if path in keep:
                    continue
                if is_directory and path in wanted:
                    pending.append(path)
                elif is_directory or path not in files:
                    remove_tree(Path(self._absolute(path)))
                    self.removed += 1

    def settle(self, path: str, file: TreeFile) -> None:
        """Updates one file. Its content is read only if its times do not prove that it is unchanged."""
        target = self._absolute(path)
        try:
            found = os.lstat(target)
        except FileNotFoundError:
            self._write(path, file, target, None)
            return
        if not _is_kind(found, file) or (self.known.digest(path, found) or _digest(target, found)) != file.digest:
            self._write(path, file, target, found)
            return
        if file.mode != SYMLINK and found.st_mode & 0o7777 != file.mode & 0o777:
            os.chmod(target, file.mode & 0o777)
        if self.known.digest(path, after := os.lstat(target)) is None:
            self.known.remember(path, file.digest, after)

    def _write(self, path: str, file: TreeFile, target: str, found: os.stat_result | None) -> None:
        self._make_parents(path)
        new = f"{target.rpartition('/')[0]}/{TEMPORARY}{os.getpid()}"
        try:
            if _copy(self.root, path, new, file.mode) != file.digest:
                raise _moved_on(path)
            time_ns = self._later_than_before(path, found)
            os.utime(new, ns=(time_ns, time_ns), follow_symlinks=False)
            if found is not None and stat.S_ISDIR(found.st_mode):
                remove_tree(Path(target))
            os.replace(new, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(new)
        self.known.remember(path, file.digest, os.lstat(target))
        self.changed += 1

    def _later_than_before(self, path: str, found: os.stat_result | None) -> int:
        """A time in a later second than the path's old time: some tools compare whole seconds only."""
        before = max(self.known.mtime_ns(path) or self.known.latest_forgotten, found.st_mtime_ns if found else 0)
        now = time.time_ns()
        return now if now // SECOND > before // SECOND else (before // SECOND + 1) * SECOND

    def _absolute(self, path: str) -> str:
        return f"{self.workspace}/{path}" if path else self.workspace

    def _make_parents(self, path: str) -> None:
        for parent in _parents(path):
            if parent not in self._made:
                with suppress(FileExistsError):
                    os.mkdir(self._absolute(parent))
                    os.chmod(self._absolute(parent), DIRECTORY)
                self._made.add(parent)


def _parents(path: str) -> Iterator[str]:
    end = path.find("/")
    while end > 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _is_kind(found: os.stat_result, file: TreeFile) -> bool:
    if file.mode == SYMLINK:
        return stat.S_ISLNK(found.st_mode)
    return stat.S_ISREG(found.st_mode) and found.st_size == file.size


def _digest(target: str, found: os.stat_result) -> str | None:
    """The digest of a file in the workspace; None if a tool has made it unreadable."""
    if stat.S_ISLNK(found.st_mode):
        return hashlib.sha256(os.fsencode(os.readlink(target))).hexdigest()
    try:
        with open(target, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _copy(root: str, path: str, target: str, mode: int) -> str:
    """Copies a file or a symlink; returns the digest of the copied content."""
    source = f"{root}/{path}"
    try:
        if mode == SYMLINK:
            link = os.readlink(source)
            os.symlink(link, target)
            return hashlib.sha256(os.fsencode(link)).hexdigest()
        reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in GONE:
            raise _moved_on(path) from error
        raise
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(os.fstat(reader).st_mode):
            raise _moved_on(path)
        with open(target, "xb") as copy:
            while chunk := os.read(reader, CHUNK):
                digest.update(chunk)
                copy.write(chunk)
            os.fchmod(copy.fileno(), mode & 0o777)
    finally:
        os.close(reader)
    return digest.hexdigest()


def _moved_on(path: str) -> EngineError:
    text = f"{path} changed during the run, so no result would be valid for the tree. Run it again."
    return EngineError(text, "tree_changed")
