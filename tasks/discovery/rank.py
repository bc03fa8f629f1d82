"""Ranks folders by their names: deployed code, examples, tests, or never a component."""

from collections.abc import Sequence
from enum import IntEnum
from fnmatch import fnmatchcase

from tasks.discovery.file_view import lineage

_NEVER = frozenset(
    [
        "node_modules",
        "bower_components",
        "vendor",
        "vendored",
        "third_party",
        "third-party",
        "site-packages",
        "venv",
        "virtualenv",
        "fixtures",
        "__fixtures__",
        "testdata",
        "test_data",
        "test-data",
        "__pycache__",
        "__snapshots__",
    ]
)
_EXAMPLES = frozenset(["examples", "example", "samples", "sample"])
# A site may be called demo, so these names count only for folders above the component's own.
_DEMOS = frozenset(["demos", "demo", "playground", "playgrounds", "starters"])
_TESTS = frozenset(
    [
        "tests",
        "test",
        "__tests__",
        "testing",
        "e2e",
        "templates",
        "template",
        "project_template",
        "scaffold",
        "scaffolds",
    ]
)
_MARKS_OF_TEMPLATES = ("{{", "{%", "__name__", "<%")


class Rank(IntEnum):
    """How likely a folder's content is deployed. A stack uses only the components of the lowest rank found."""

    DEPLOYED = 0
    EXAMPLE = 1
    TEST = 2
    NEVER = 3


def rank(directory: str) -> Rank:
    """Returns the rank of a component's directory, by every name in its path."""
    parts = directory.split("/") if directory != "." else []
    ranks = [_rank_of_name(part, is_own=index == len(parts) - 1) for index, part in enumerate(parts)]
    return max(ranks, default=Rank.DEPLOYED)


def _rank_of_name(name: str, *, is_own: bool) -> Rank:
    folded = name.lower()
    is_hidden = name.startswith(".")
    if folded in _NEVER or is_hidden or any(mark in name for mark in _MARKS_OF_TEMPLATES):
        return Rank.NEVER
    if folded in _EXAMPLES or (folded in _DEMOS and not is_own):
        return Rank.EXAMPLE
    if folded in _TESTS or folded.startswith("_template"):
        return Rank.TEST
    return Rank.DEPLOYED


def is_excluded(directory: str, patterns: Sequence[str]) -> bool:
    """Whether a directory, or a directory above it, matches one of the globs."""
    return any(_matches(above, pattern) for above in lineage(directory) for pattern in patterns)


def _matches(directory: str, pattern: str) -> bool:
    plain = pattern.removeprefix("./").rstrip("/").removesuffix("/**").removesuffix("/*")
    if fnmatchcase(directory, plain):
        return True
    return plain.startswith("**/") and fnmatchcase(directory, plain.removeprefix("**/"))
