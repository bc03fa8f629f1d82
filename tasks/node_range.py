"""Reads npm's version ranges. Only this module imports node-semver."""

import re
from functools import lru_cache

from nodesemver import Range, make_range

Release = tuple[int, int, int]

ANY = frozenset({"", "*", "x", "X"})
"""The ranges that admit everything."""
MAJOR = re.compile(r"(?<![\w.])v?(\d{1,9})")


@lru_cache(maxsize=256)
def read_range(text: str) -> Range:
    """Returns the range. Raises ValueError for texts that npm rejects, such as `latest` or `lts/jod`."""
    try:
        return make_range(text.strip(), False)
    except ValueError:
        raise ValueError(f"{text!r} is no range of versions") from None


def is_range(text: str) -> bool:
    """Whether npm accepts the text as a range."""
    try:
        read_range(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def admits(text: str, release: Release | str) -> bool:
    """Whether a range admits a release. Raises ValueError if the text is no range."""
    version = release if isinstance(release, str) else ".".join(map(str, release))
    return bool(read_range(text).test(version))


def lowest_major(text: str) -> int:
    """Returns the lowest major version that a range names, or 0."""
    return min(map(int, MAJOR.findall(text)), default=0)
