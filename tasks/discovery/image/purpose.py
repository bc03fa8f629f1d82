"""Says by the name of a file, stage or module whether it is for production, or for development and tests."""

import re

from tasks.discovery.file_view import parent
from tasks.discovery.rank import Rank, rank

_PRODUCTION = re.compile(r"prod|deploy|release|live", re.IGNORECASE)
_OTHER_USES = re.compile(
    r"(^|[./_\-])(dev|devel|development|local|test|tests|testing|ci|debug|docs|e2e|devcontainer|override)([./_\-]|$)",
    re.IGNORECASE,
)


def is_production(name: str) -> bool:
    """Whether a name says that something is production's."""
    return bool(_PRODUCTION.search(name))


def has_other_use(name: str) -> bool:
    """Whether a name says that something is for development or tests."""
    return bool(_OTHER_USES.search(name)) and not _PRODUCTION.search(name)


def is_of_the_stack(path: str) -> bool:
    """Whether a file is outside of fixtures and vendored folders. Hidden folders are allowed."""
    return rank("/".join(part.lstrip(".") or part for part in parent(path).split("/"))) is not Rank.NEVER
