"""A tree of files to look around in: which there are, what they say, and what was odd about them."""

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator

from tasks.discovery.documents import BrokenDocumentError, Table, parse_json, parse_toml, parse_yaml

ROOT = "."


def join(directory: str, path: str) -> str:
    """`path` as seen from `directory`; `..` and `.` are resolved. Above the root it begins with `..`."""
    return posixpath.normpath(posixpath.join(directory, path))


def parent(path: str) -> str:
    """The directory of a file or directory; the root's is the root."""
    return posixpath.dirname(path) or ROOT


def lineage(directory: str) -> Iterator[str]:
    """The directory itself, then each one above it, up to the root."""
    while directory != ROOT:
        yield directory
        directory = parent(directory)
    yield ROOT


def is_within(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or below it."""
    return directory in {ROOT, path} or path.startswith(directory + "/")


def relative(path: str, directory: str) -> str:
    """`path` as written from `directory`, with `..` where it has to go up."""
    return posixpath.relpath(path, directory)


class FileView:
    """The files of a stack, read at most once each. What cannot be read or parsed is a warning, and empty."""

    def __init__(self, paths: Collection[str], read: Callable[[str], str]) -> None:
        self.files = tuple(sorted(paths))
        self.warnings: dict[str, None] = {}
        self._read = read
        self._texts: dict[str, str] = {}
        self._tables: dict[str, Table] = {}
        self._names: dict[str, list[str]] = {}
        self._known = set(self.files)
        for path in self.files:
            self._names.setdefault(parent(path), []).append(posixpath.basename(path))
        self._directories = {above for directory in self._names for above in lineage(directory)}

    def warn(self, line: str) -> None:
        """Note something for the report, once."""
        self.warnings[line] = None

    def has(self, path: str) -> bool:
        """Whether this file is there."""
        return path in self._known

    def has_directory(self, path: str) -> bool:
        """Whether this directory holds a file, at any depth."""
        return path in self._directories

    def names(self, directory: str) -> list[str]:
        """The names of the files directly in a directory."""
        return self._names.get(directory, [])

    def under(self, directory: str) -> tuple[str, ...]:
        """Every file at or below a directory."""
        if directory == ROOT:
            return self.files
        first = bisect_left(self.files, directory + "/")
        return self.files[first : bisect_left(self.files, directory + "0")]  # "0" is what follows "/"

    def named(self, *names: str) -> tuple[str, ...]:
        """Every file that bears one of these names."""
        return tuple(path for path in self.files if posixpath.basename(path) in names)

    def first(self, directory: str, *names: str) -> str | None:
        """The first of these files that a directory holds."""
        candidates = (join(directory, name) for name in names)
        return next((path for path in candidates if self.has(path)), None)

    def nearest(self, directory: str, *names: str) -> str | None:
        """The first of these files in the directory, else in the nearest one above it that has one."""
        found = (self.first(above, *names) for above in lineage(directory))
        return next((path for path in found if path is not None), None)

    def text(self, path: str) -> str:
        """What a file says; nothing where it is absent or is no text."""
        if path not in self._texts:
            self._texts[path] = self._load(path) if self.has(path) else ""
        return self._texts[path]

    def _load(self, path: str) -> str:
        try:
            return self._read(path)
        except (OSError, UnicodeError) as error:
            self.warn(f"{path}: cannot be read as text ({error}); what it would say about the stack is not known")
            return ""

    def table(self, path: str | None) -> Table:
        """What a TOML, JSON or YAML file holds; nothing where it is absent or broken."""
        if path is None or not self.has(path):
            return {}
        if path not in self._tables:
            self._tables[path] = self._parse(path)
        return self._tables[path]

    def _parse(self, path: str) -> Table:
        text = self.text(path)
        if not text.strip():
            return {}
        try:
            if path.endswith((".toml", ".lock", "Pipfile")):
                return parse_toml(text)
            return parse_yaml(text) if path.endswith((".yaml", ".yml")) else parse_json(text)
        except BrokenDocumentError as error:
            self.warn(f"{path}: broken ({error}); the stack was looked at without it")
            return {}
