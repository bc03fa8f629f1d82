"""The directories that predeploy keeps files in: two of the user, and one in each stack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

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
