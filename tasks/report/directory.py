"""The directory that a run writes its logs and its report in, below `.predeploy/` of the stack.

A run works in a hidden directory that it holds a lock in, and renames it when everything is there. A crash leaves the
hidden directory without a lock; the next run on the stack removes it.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import EngineError
from tasks.locks import open_lock_file, try_lock
from tasks.user_dirs import REPORTS, UserDirs

OWNER = "owner.lock"
_PARTIAL = ".partial"
GONE = ".gone"
_SETTLED = 60.0  # seconds after which a directory without a lock file does not belong to a run that is just beginning
_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ELOOP}


@dataclass(slots=True, kw_only=True)
class RunDirectory:
    """The directory of one run. As a context it removes an unpublished directory.

    `working` is its path during the run, `final` its path afterwards. `location` is `final` as a report names it,
    relative to the stack. `warning` is set if the stack cannot be written to.
    """

    home: Path
    run_id: str
    location: str
    warning: str = ""
    _owner: int = field(default=-1, repr=False)

    @property
    def working(self) -> Path:
        return self.home / "runs" / f".{self.run_id}{_PARTIAL}"

    @property
    def logs(self) -> Path:
        return self.working / "logs"

    @property
    def final(self) -> Path:
        return self.home / "runs" / self.run_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Removes the directory if it is not published, and releases its lock. Never raises."""
        if self._owner >= 0:
            shutil.rmtree(self.working, ignore_errors=True)
            self.release()

    def release(self) -> None:
        """Releases the lock, and leaves the directory as it is."""
        owner, self._owner = self._owner, -1
        if owner >= 0:
            os.close(owner)

    def hold(self) -> None:
        """Makes the hidden directory and locks it. A sweeper that locks first wins; then it is made again."""
        for _ in range(50):
            self.logs.mkdir(parents=True, exist_ok=True)
            try:
                owner = open_lock_file(self.working / OWNER)
            except FileNotFoundError:
                continue
            if _lock(owner) is not False and _is_still(owner, self.working / OWNER):
                self._owner = owner
                self.logs.mkdir(exist_ok=True)
                return
            os.close(owner)
            time.sleep(0.02)
        raise EngineError(
            f"The report cannot be written: another run with the same id holds {self.working}. Start the run again.",
            "report_directory",
        )


def create_run_directory(stack: Path, run_id: str, *, data: Path | None = None) -> RunDirectory:
    """The directory of a new run, locked, with `logs/` in it. The files of crashed runs are removed first.

    If the stack cannot be written to, it lies in the user's data directory, or in `data`.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", run_id, re.ASCII):
        message = f"a run id is a plain file name: {run_id!r}"
        raise ValueError(message)
    try:
        return _create(RunDirectory(home=stack / REPORTS, run_id=run_id, location=f"{REPORTS}/runs/{run_id}"))
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise no_room(error, stack) from error
        why = error.strerror
    home = (data or UserDirs.of_user().data) / "runs" / name_of_stack(stack)
    warning = f"{stack} cannot be written to ({why}): report and logs are kept in {home}"
    directory = RunDirectory(home=home, run_id=run_id, location=str(home / "runs" / run_id), warning=warning)
    try:
        return _create(directory)
    except OSError as error:
        raise no_room(error, home) from error


def latest_of(stack: Path, *, data: Path) -> Path | None:
    """The directory of the newest run, in the stack or in the user's data directory; None if there is none."""
    for home in (stack / REPORTS, data / "runs" / name_of_stack(stack)):
        latest = home / "latest"
        # runs do not write through a link, and leave it in place
        if not home.is_symlink() and latest.is_symlink() and (latest / "report.json").is_file():
            return latest.resolve()
    return None


def runs_in_progress(stack: Path, data: Path) -> list[Path]:
    """The lock files of the runs that have not published their report yet. Those of crashed runs are not locked."""
    homes = (stack / REPORTS, data / "runs" / name_of_stack(stack))
    return sorted(lock for home in homes if not home.is_symlink() for lock in home.glob(f"runs/.*{_PARTIAL}/{OWNER}"))


def _create(directory: RunDirectory) -> RunDirectory:
    """Raises OSError if the place cannot be used, and then leaves nothing of the run in it."""
    home = directory.home
    if home.is_symlink() or (home / "runs").is_symlink():
        # A tree may contain a link to any place: nothing is written or removed through it.
        raise OSError(errno.ELOOP, f"its {REPORTS} is a symbolic link")
    (home / "runs").mkdir(parents=True, exist_ok=True)
    try:
        _ignore(directory)
        _sweep(home)
        if directory.final.exists():
            message = f"{directory.final} exists: a run with this id was published before. Start the run again."
            raise EngineError(message, "report_directory")
        directory.hold()
    except OSError:
        shutil.rmtree(directory.working, ignore_errors=True)
        raise
    return directory


def _ignore(directory: RunDirectory) -> None:
    """Makes git ignore `.predeploy/`, this file included."""
    path = directory.home / ".gitignore"
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8", errors="replace") == "*\n":
            return
    staged = path.with_name(f".gitignore.{directory.run_id}")
    write_whole(staged, "*\n")
    staged.replace(path)


def write_whole(path: Path, text: str) -> None:
    """Writes the whole text to the disk. If that fails, raises OSError and leaves no file.

    A byte of a file's name that is no UTF-8 is written as an escape.
    """
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _sweep(home: Path) -> None:
    """Removes the files of crashed runs, and keeps those of runs in progress."""
    runs = home / "runs"
    for path in runs.glob(f".*{_PARTIAL}"):
        with contextlib.suppress(OSError), _orphan(path) as orphan:
            if orphan:
                path.rename(path.with_suffix(GONE))
    for path in runs.glob(f".*{GONE}"):
        shutil.rmtree(path, ignore_errors=True)
    for path in (*home.glob(".latest.*"), *home.glob(".gitignore.*")):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _SETTLED:
                path.unlink()


@contextlib.contextmanager
def _orphan(path: Path) -> Iterator[bool]:
    """Whether no run holds the directory. No run can take it inside the context."""
    try:
        owner = open_lock_file(path / OWNER, create=False)
    except FileNotFoundError:
        yield time.time() - path.stat().st_mtime > _SETTLED
        return
    try:
        yield _lock(owner) is True
    finally:
        os.close(owner)


def _lock(descriptor: int) -> bool | None:
    """True: this run has the lock. False: another run has it. None: the file system has no locks."""
    try:
        return try_lock(descriptor)
    except OSError:
        return None


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the path still leads to the file that was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def name_of_stack(stack: Path) -> str:
    """A unique name for each stack in the user's data directory."""
    real = stack.resolve()
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', real.name) or 'stack'}-{digest}"


def no_room(error: OSError, place: Path) -> EngineError:
    if error.errno in _FULL:
        message = f"The disk of {place} is full: the report could not be written. Free some space and run again."
        return EngineError(message, "disk_full")
    message = f"The report could not be written to {place}: {error.strerror or error}. Make it writable and run again."
    return EngineError(message, "report_directory")
