"""Finds paths of a tree by pattern and by directory. Each row asks for each component, so answers are kept."""

import re
from functools import lru_cache

from tasks.discovery.file_view import ROOT, span_below


@lru_cache(maxsize=4)  # the tree, and the deployed one
def in_order(paths: frozenset[str]) -> tuple[str, ...]:
    """Returns the paths, sorted."""
    return tuple(sorted(paths))


@lru_cache(maxsize=64)
def matching(pattern: re.Pattern[str], paths: frozenset[str]) -> tuple[str, ...]:
    """Returns the paths in which a pattern is found, sorted."""
    return tuple(path for path in in_order(paths) if pattern.search(path))


def below(directory: str, paths: frozenset[str]) -> tuple[str, ...]:
    """Returns the paths below a directory, sorted."""
    ordered = in_order(paths)
    return ordered if directory == ROOT else ordered[span_below(directory, ordered)]
