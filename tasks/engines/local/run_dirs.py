"""The temporary directories of one run. The end of a run deletes them, and also those of killed runs."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from tasks.engines.clean_environ import link_credentials
from tasks.engines.local.prune import DOWNLOADS
from tasks.engines.private import LOCK, PREFIX, remove_abandoned, remove_now
from tasks.engines.removal import remove_in_background
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.locks import take_lock, take_shared_lock

# The path of a socket has at most about a hundred bytes, and tools create sockets below TMPDIR.
LONGEST = 48
ENOUGH = 50 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirs:
    """`path` is short, in the system's temporary directory. `disk` is for large files. `locks` are open descriptors.

    The first two are those of `path` and `disk`. `is_large`: the deletion of `disk` takes long, so no run waits for it.
    """

    path: Path
    disk: Path
    locks: tuple[int, ...]
    is_large: bool = False

    @property
    def home(self) -> Path:
        """An empty home directory."""
        return self.path / "home"

    @property
    def credentials(self) -> Path:
        """A home directory with credentials for package indexes."""
        return self.path / "acquire"

    @property
    def temp(self) -> Path:
        """For temporary files."""
        return self.path / "tmp"

    @property
    def programs(self) -> Path:
        """Programs of predeploy: uv."""
        return self.path / "bin"

    @property
    def outs(self) -> Path:
        """For the outputs of checks."""
        return self.disk / "out"

    @property
    def sockets(self) -> Path:
        """For Postgres's socket."""
        return self.path / "pg"

    @property
    def logs(self) -> Path:
        """For logs that belong to no check."""
        return self.path / "logs"

    def remove(self) -> None:
        """Deletes the directories, and releases their locks."""
        of_path, of_disk, *others = self.locks
        remove_now(self.path, of_path)
        (remove_in_background if self.is_large else remove_now)(self.disk, of_disk)
        for lock in others:
            os.close(lock)


def create_run_dirs(
    data: Path, caller: Mapping[str, str], cache: Path | None = None, *, large: bool = False
) -> RunDirs:
    """Creates and locks the directories of a run. It shares the lock of the cache's downloads with other runs."""
    runs = data / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary()))
    disk = Path(tempfile.mkdtemp(prefix=PREFIX, dir=runs))
    # Postgres may run as another user, which needs access to one directory below
    path.chmod(0o711)
    locks = [take_lock(each / LOCK) for each in (path, disk)]
    if cache is not None:
        locks.append(take_shared_lock(cache / f"{DOWNLOADS}.lock"))
        os.utime(locks[-1])
    dirs = RunDirs(path=path, disk=disk, locks=tuple(locks), is_large=large)
    for each in (dirs.home, dirs.credentials, dirs.temp, dirs.programs, dirs.outs, dirs.logs):
        each.mkdir(mode=0o700)
    (dirs.programs / "uv").symlink_to(uv.find_uv_bin())
    link_credentials(caller, dirs.credentials)
    return dirs


def temporary() -> Path:
    """The system's directory for temporary files. If its path is too long for sockets, /tmp."""
    found = Path(tempfile.gettempdir())
    return found if len(str(found)) <= LONGEST else Path("/tmp")  # noqa: S108 - mkdtemp follows


def remove_abandoned_run_dirs(data: Path) -> None:
    """Deletes the directories of runs that were killed."""
    for base in (temporary(), data / "runs"):
        remove_abandoned(base)


def exit_of_error(error: OSError | EngineError, *directories: Path) -> Exit:
    """The exit for an error in the engine's own work on these directories."""
    if isinstance(error, EngineError):
        return Exit(code=None, trouble=error.reason_code, detail=str(error))
    code, detail = shortage(*directories) or ("engine", f"{error.strerror}: {error.filename}; fix that and run again")
    return Exit(code=None, trouble=code, detail=detail)


def shortage(*directories: Path) -> tuple[str, str] | None:
    """Reason code and text if a disk of the run is full: little space is left, or a small file cannot be written."""
    for directory in directories:
        try:
            free = shutil.disk_usage(directory).free
            if free < ENOUGH:
                return (
                    "disk_full",
                    f"only {free >> 20} MB are left on the disk of {directory}; free some space and run again",
                )
            with tempfile.TemporaryFile(dir=directory) as file:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError as error:
            return (
                "disk_full",
                f"nothing can be written below {directory}: {error.strerror}; free some space and run again",
            )
    return None
