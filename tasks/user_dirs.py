"""Where a user's things are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDirs:
    """Caches that may be deleted at any time, and data that should stay."""

    cache: Path
    data: Path

    @classmethod
    def of_user(cls) -> Self:
        """Where this user's programs keep such things."""
        return cls(cache=platformdirs.user_cache_path("predeploy"), data=platformdirs.user_data_path("predeploy"))
