"""Chooses the requirements files of a directory for production and for development."""

import posixpath
import re
from dataclasses import dataclass

from tasks.discovery.file_view import FileView, join
from tasks.discovery.python.requirements import read_requirements

_NAME = re.compile(r"^(?:requirements|reqs)?(?:[-_.]?(?P<after>[\w\-]+))?\.(?P<kind>lock|txt|in)$")
_BEFORE = re.compile(r"^(?P<before>\w+)[-_]requirements\.(?P<kind>lock|txt|in)$")
# The preferred purposes first. "" is the plain requirements file.
_PRODUCTION = ("production", "prod", "", "requirements", "deploy", "main", "base", "common", "default", "app")
_DEVELOPMENT = ("dev", "development", "local")
_TESTING = ("test", "tests", "testing", "ci")
_KINDS = ("lock", "txt", "in")
_OTHERS = frozenset(["constraints", "docs", "doc", "overrides", "readme", "robots"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The files to install. `development` is complete: it repeats production's files unless it includes them.

    `sources` are the hand-written `.in` files from which locks are compiled.
    """

    production: tuple[str, ...]
    development: tuple[str, ...]
    sources: tuple[str, ...]


def has_requirements(tree: FileView, directory: str) -> bool:
    """Whether a directory, or its `requirements` folder, has requirements files."""
    return bool(_by_purpose(tree, directory))


def named_files(tree: FileView, directory: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the files of the tree that commands name, without those for development. Names may be paths in an image.

    A file of `directory` or of its `requirements` folder comes before a file elsewhere.
    """
    near = [
        *_by_purpose(tree, directory).values(),
        *(path for path in tree.under(directory) if _is_near(path, directory)),
    ]
    found = []
    for name in names:
        ending = posixpath.basename(name.strip("\"'"))
        anywhere = list(tree.named(ending)) if ending.endswith((*_KINDS, ".toml")) else []
        if path := _as_named(near, name) or _as_named(anywhere, name):
            found.append(path)
    return tuple(path for path in dict.fromkeys(found) if _purpose(path) not in {*_DEVELOPMENT, *_TESTING})


def _is_near(path: str, directory: str) -> bool:
    return posixpath.dirname(path) in {directory if directory != "." else "", join(directory, "requirements")}


def choose_requirements(tree: FileView, directory: str, named: tuple[str, ...]) -> Chosen:
    """Chooses the files of a directory. `named` has the files that production's commands install; they come first."""
    by_purpose = _by_purpose(tree, directory)
    every = list(by_purpose.values())
    production = named or _first(by_purpose, _PRODUCTION)
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
    read_development, read_production = read_requirements(tree, development), read_requirements(tree, production)
    # One of two development files may include the other.
    for path in development:
        rest = tuple(other for other in development if other != path)
        if rest and set(rest) <= set(read_requirements(tree, (path,)).files):
            development = (path,)
            break
    includes_production = set(read_development.files) & set(read_production.files)
    is_complete = includes_production or read_production.names <= read_development.names
    return development if is_complete else (*production, *development)


def _by_purpose(tree: FileView, directory: str) -> dict[str, str]:
    """Returns the files by the purpose in their names. `.lock` comes before `.txt`, and `.txt` before `.in`."""
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
    """Returns the file that a Dockerfile installs. `name` is a path in the image."""
    ending = name.strip("\"'").removeprefix("./")
    exact = [path for path in paths if path == ending or path.endswith("/" + ending)]
    same = [path for path in paths if posixpath.basename(path) == posixpath.basename(ending)]
    return min(exact or same, key=len, default=None)


def _source(tree: FileView, path: str) -> str | None:
    """Returns the `.in` file from which a lock is compiled."""
    stem = path.rsplit(".", 1)[0] + ".in"
    return stem if tree.has(stem) and stem != path else None
