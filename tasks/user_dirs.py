"""The directories that predeploy keeps files in: two of the user, and one in each stack."""

import errno
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

from tasks.errors import EngineError, UsageError

REPORTS = ".predeploy"
"""The directory of a stack that runs write their reports to. It is no part of the stack's tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDirs:
    """`cache` may be deleted whenever no run is active. `data` has what must stay."""

    cache: Path
    data: Path

    @classmethod
    def of_user(cls) -> Self:
        """The user's own directories, by the conventions of the operating system."""
        return cls(cache=platformdirs.user_cache_path("predeploy"), data=platformdirs.user_data_path("predeploy"))


NOT_THE_PLACE = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EMFILE: "engine", errno.ENFILE: "engine"}
"""Errors that a better place would not change, with their reason codes."""


def require_usable(user_dirs: UserDirs, environ: Mapping[str, str]) -> None:
    """Raises UsageError with the name of the variable if a directory that a run writes to cannot be written to."""
    for variable, place in (("XDG_CACHE_HOME", user_dirs.cache), ("XDG_DATA_HOME", user_dirs.data)):
        named = variable if environ.get(variable) else "HOME"
        if named == "HOME" and "HOME" in environ and not Path(environ["HOME"]).is_absolute():
            raise UsageError(f"HOME is {environ['HOME']!r}, which is no absolute path. Set it to a directory of yours.")
        _require_writable(named, place)
    if given := environ.get("TMPDIR"):
        if not Path(given).is_absolute() or not Path(given).is_dir():
            raise UsageError(f"TMPDIR is {given!r}, which is no directory. Set it to one, or unset it.")
        _require_writable("TMPDIR", Path(given))


def _require_writable(variable: str, place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        if error.errno in NOT_THE_PLACE:
            raise EngineError(
                f"{place}: {error.strerror}. Free it, and run again.", NOT_THE_PLACE[error.errno]
            ) from error
        way_out = f"Set {variable} to a directory that you can write to"
        raise UsageError(f"{variable}: predeploy cannot write to {place}: {error.strerror}. {way_out}.") from error
