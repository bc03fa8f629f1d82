"""The directories of one run, gone when it ends, and those of runs that were killed, gone when the next one ends."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from tasks.engines.clean_environ import link_credentials
from tasks.engines.private import LOCK, PREFIX, remove_abandoned
from tasks.files import remove_tree
from tasks.locks import take_lock

# A socket's path has about a hundred bytes, and tools put theirs below TMPDIR.
LONGEST = 48
ENOUGH = 50 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirs:
    """`path` is short, on the system's temporary file system; `disk` is on a disk, for what is large."""

    path: Path
    disk: Path
    locks: tuple[int, ...]

    @property
    def home(self) -> Path:
        """An empty home."""
        return self.path / "home"

    @property
    def credentials(self) -> Path:
        """A home with access to package indexes."""
        return self.path / "acquire"

    @property
    def temp(self) -> Path:
        """For temporary files."""
        return self.path / "tmp"

    @property
    def programs(self) -> Path:
        """Programs that we bring: uv."""
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
        """For logs that nobody asked for."""
        return self.path / "logs"

    def leave(self) -> None:
        """Deletes everything."""
        for path in (self.path, self.disk):
            remove_tree(path)
        for lock in self.locks:
            os.close(lock)


def create_run_dirs(data: Path, caller: Mapping[str, str]) -> RunDirs:
    """Makes the directories of a run."""
    runs = data / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary()))
    disk = Path(tempfile.mkdtemp(prefix=PREFIX, dir=runs))
    # others may pass through, to the one directory that is made for them: Postgres may have to be another user
    path.chmod(0o711)
    locks = tuple(take_lock(each / LOCK) for each in (path, disk))
    room = RunDirs(path=path, disk=disk, locks=locks)
    for each in (room.home, room.credentials, room.temp, room.programs, room.outs, room.logs):
        each.mkdir(mode=0o700)
    (room.programs / "uv").symlink_to(uv.find_uv_bin())
    link_credentials(caller, room.credentials)
    return room


def temporary() -> Path:
    """The system's directory for temporary files, by a short name."""
    found = Path(tempfile.gettempdir())
    return found if len(str(found)) <= LONGEST else Path("/tmp")  # noqa: S108 - mkdtemp follows


def remove_abandoned_run_dirs(data: Path) -> None:
    """Deletes the directories of runs that were killed."""
    for base in (temporary(), data / "runs"):
        remove_abandoned(base)


def shortage(*places: Path) -> tuple[str, str] | None:
    """Whether a disk that a run writes to is full: too little left, or a small file cannot be written."""
    for place in places:
        try:
            free = shutil.disk_usage(place).free
            if free < ENOUGH:
                return (
                    "disk_full",
                    f"only {free >> 20} MB are left on the disk of {place}; free some space and run again",
                )
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError as error:
            return "disk_full", f"nothing can be written below {place}: {error.strerror}; free some space and run again"
    return None
