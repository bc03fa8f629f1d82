"""Which of a directory's requirements files are production's, and which are for development."""

import posixpath
import re
from dataclasses import dataclass

from tasks.discovery.file_view import FileView, join
from tasks.discovery.python.requirements import read_requirements

_NAME = re.compile(r"^(?:requirements|reqs)?(?:[-_.]?(?P<after>[\w\-]+))?\.(?P<kind>lock|txt|in)$")
_BEFORE = re.compile(r"^(?P<before>\w+)[-_]requirements\.(?P<kind>lock|txt|in)$")
# In the order in which they are preferred; "" is the plain requirements file.
_PRODUCTION = ("production", "prod", "", "requirements", "deploy", "main", "base", "common", "default", "app")
_DEVELOPMENT = ("dev", "development", "local")
_TESTING = ("test", "tests", "testing", "ci")
_KINDS = ("lock", "txt", "in")
_OTHERS = frozenset(["constraints", "docs", "doc", "overrides", "readme", "robots"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The files to install. `development` is complete in itself: it repeats production's unless it includes them.

    `sources` are the files that a person writes, where locks are compiled from them.
    """

    production: tuple[str, ...]
    development: tuple[str, ...]
    sources: tuple[str, ...]


def has_requirements(tree: FileView, directory: str) -> bool:
    """Whether a directory, or its `requirements` folder, holds files to install from."""
    return bool(_by_purpose(tree, directory))


def choose_requirements(tree: FileView, directory: str, asked: tuple[str, ...]) -> Chosen:
    """Choose among the files of a directory; `asked` are files as the Dockerfile names them, which decide."""
    by_purpose = _by_purpose(tree, directory)
    every = list(by_purpose.values())
    named = tuple(path for name in asked if (path := _as_named(every, name)))
    named = tuple(path for path in named if _purpose(path) not in {*_DEVELOPMENT, *_TESTING})
    production = tuple(dict.fromkeys(named)) or _first(by_purpose, _PRODUCTION)
    development = tuple(dict.fromkeys(_first(by_purpose, _DEVELOPMENT) + _first(by_purpose, _TESTING)))
    if not production:
        other = tuple(path for path in every if path not in development)
        production = other[:1] or development[:1]
    development = tuple(path for path in development if path not in production)
    chosen = (*production, *development)
    sources = tuple(path for item in chosen if (path := _source(tree, item)))
    return Chosen(production=production, development=_complete(tree, production, development), sources=sources)


def _complete(tree: FileView, production: tuple[str, ...], development: tuple[str, ...]) -> tuple[str, ...]:
    if not development:
        return ()
    mine, theirs = read_requirements(tree, development), read_requirements(tree, production)
    # One of two files for development may include the other.
    for path in development:
        rest = tuple(other for other in development if other != path)
        if rest and set(rest) <= set(read_requirements(tree, (path,)).files):
            development = (path,)
            break
    is_complete = set(mine.files) & set(theirs.files) or theirs.names <= mine.names
    return development if is_complete else (*production, *development)


def _by_purpose(tree: FileView, directory: str) -> dict[str, str]:
    """The files by what their names say they are for; a lock beats a list, a list beats a source."""
    found: dict[str, str] = {}
    for folder in (directory, join(directory, "requirements")):
        is_folder = folder != directory
        candidates = [name for name in tree.names(folder) if _is_requirements(name, is_folder=is_folder)]
        for name in sorted(candidates, key=lambda name: _KINDS.index(name.rsplit(".", 1)[1])):
            found.setdefault(_purpose(name), join(folder, name))
    return found


def _is_requirements(name: str, *, is_folder: bool) -> bool:
    match = _BEFORE.match(name) or _NAME.match(name)
    if not match or _purpose(name) in _OTHERS:
        return False
    return is_folder or "requirements" in name or name.startswith("reqs")


def _purpose(path: str) -> str:
    name = posixpath.basename(path)
    match = _BEFORE.match(name)
    if match:
        return match.group("before").lower()
    match = _NAME.match(name)
    return (match.group("after") or "").lower() if match else ""


def _first(by_purpose: dict[str, str], purposes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(by_purpose[purpose] for purpose in purposes if purpose in by_purpose)[:1]


def _as_named(paths: list[str], name: str) -> str | None:
    """The file that a Dockerfile means; there its path is the image's."""
    ending = name.strip("\"'").removeprefix("./")
    exact = [path for path in paths if path == ending or path.endswith("/" + ending)]
    same = [path for path in paths if posixpath.basename(path) == posixpath.basename(ending)]
    return min(exact or same, key=len, default=None)


def _source(tree: FileView, path: str) -> str | None:
    """The `.in` file that a lock is compiled from."""
    stem = path.rsplit(".", 1)[0] + ".in"
    return stem if tree.has(stem) and stem != path else None
