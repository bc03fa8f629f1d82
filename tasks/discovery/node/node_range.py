"""Ranges of Node's releases as package.json writes them. Only this module imports node-semver."""

import re
from functools import lru_cache

from nodesemver import Range, make_range

Release = tuple[int, int, int]

ANY = frozenset({"", "*", "x", "X"})
"""The ranges that admit everything."""
MAJOR = re.compile(r"(?<![\w.])v?(\d{1,9})")


@lru_cache(maxsize=256)
def read_range(text: str) -> Range:
    """The range. Raises ValueError if npm would not read it as one, such as `latest` or `lts/jod`."""
    try:
        return make_range(text.strip(), False)
    except ValueError:
        raise ValueError(f"{text!r} is no range of versions") from None


def is_range(text: str) -> bool:
    """Does npm read it as a range?"""
    try:
        read_range(text)
    except ValueError:
        return False
    return True


def admits(text: str, release: Release) -> bool:
    """Does a range admit a release? Raises ValueError for what is no range."""
    return bool(read_range(text).test(".".join(map(str, release))))


def lowest_major(text: str) -> int:
    """The lowest major version that a range names, 0 if it names none."""
    return min(map(int, MAJOR.findall(text)), default=0)
