"""The directories of the current user for predeploy's caches and data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDirs:
    """`cache` may be deleted at any time; `data` should be kept."""

    cache: Path
    data: Path

    @classmethod
    def of_user(cls) -> Self:
        """Returns the platform's standard directories for the current user."""
        return cls(cache=platformdirs.user_cache_path("predeploy"), data=platformdirs.user_data_path("predeploy"))
