"""A view of a tree of files: its paths, texts and parsed documents, and warnings about broken files."""

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence

from tasks.discovery.documents import BrokenDocumentError, Table, parse_json, parse_toml, parse_yaml

ROOT = "."


def join(directory: str, path: str) -> str:
    """Returns `path` below `directory`, with `..` and `.` resolved. A path above the root begins with `..`."""
    if _is_plain(path):  # most calls, and quicker
        if directory == ROOT:
            return path
        if _is_plain(directory):
            return f"{directory}/{path}"
    return posixpath.normpath(posixpath.join(directory, path))


def name_in(path: str) -> str:
    """Returns the name of a file. For a path without `..` it is that of `posixpath`, and quicker."""
    return path.rpartition("/")[2]


def parent(path: str) -> str:
    """Returns the directory that contains a file or directory. The parent of the root is the root."""
    if _is_plain(path):
        return path.rpartition("/")[0] or ROOT
    return posixpath.dirname(path) or ROOT


def lineage(directory: str) -> Iterator[str]:
    """Yields the directory itself, then each directory above it, up to the root."""
    while directory != ROOT:
        yield directory
        directory = parent(directory)
    yield ROOT


def is_within(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or below it."""
    return directory in {ROOT, path} or path.startswith(directory + "/")


def is_nested(path: str, other: str) -> bool:
    """Whether one of two directories is the other one, or below it."""
    return is_within(path, other) or is_within(other, path)


def span_below(directory: str, paths: Sequence[str]) -> slice:
    """Returns where sorted paths are those below a directory, which is not the root."""
    # "0" is the next character after "/"
    return slice(bisect_left(paths, f"{directory}/"), bisect_left(paths, f"{directory}0"))


def relative(path: str, directory: str) -> str:
    """Returns `path` relative to `directory`, with `..` if it is outside."""
    if _is_plain(path):
        # most calls are for a path below the directory; relpath asks the system for the current one
        if directory == ROOT:
            return path
        if path.startswith(directory + "/"):
            return path[len(directory) + 1 :]
    return posixpath.relpath(path, directory)


def _is_plain(path: str) -> bool:
    """Whether nothing in a path can be resolved, as far as a quick look tells."""
    return path != "" and "/." not in path and "//" not in path and path[0] not in "./" and path[-1] != "/"


class FileView:
    """The files of a stack, each read at most once. A file that cannot be read or parsed is empty, with a warning."""

    def __init__(self, paths: Collection[str], read: Callable[[str], str]) -> None:
        self.files = tuple(sorted(paths))
        self.warnings: dict[str, None] = {}
        self.gaps: dict[str, None] = {}
        self._read = read
        self._texts: dict[str, str] = {}
        self._tables: dict[str, Table] = {}
        self._names: dict[str, list[str]] = {}
        self._known = set(self.files)
        self._by_name: dict[str, list[str]] = {}
        self._selected: dict[Callable[[str], bool], tuple[str, ...]] = {}
        for path in self.files:
            directory, _, name = path.rpartition("/")
            self._names.setdefault(directory or ROOT, []).append(name)
            self._by_name.setdefault(name, []).append(path)
        self._directories = {above for directory in self._names for above in lineage(directory)}

    def warn(self, line: str) -> None:
        """Adds a warning for the report, each text once."""
        self.warnings[line] = None

    def leave_out(self, line: str) -> None:
        """Adds a reason why a pass is partial: what no check looks at."""
        self.gaps[line] = None

    def has(self, path: str) -> bool:
        """Whether this file exists."""
        return path in self._known

    def has_directory(self, path: str) -> bool:
        """Whether this directory contains a file, at any depth."""
        return path in self._directories

    def names(self, directory: str) -> list[str]:
        """Returns the names of the files directly in a directory."""
        return self._names.get(directory, [])

    def under(self, directory: str) -> tuple[str, ...]:
        """Returns every file at or below a directory."""
        if directory == ROOT:
            return self.files
        return self.files[span_below(directory, self.files)]

    def named(self, *names: str) -> tuple[str, ...]:
        """Returns every file that has one of these names."""
        return tuple(sorted(path for name in {*names} for path in self._by_name.get(name, ())))

    def where(self, accepts: Callable[[str], bool]) -> tuple[str, ...]:
        """Returns every file that a function accepts. The answer is kept: each component asks for the same files."""
        if accepts not in self._selected:
            self._selected[accepts] = tuple(filter(accepts, self.files))
        return self._selected[accepts]

    def around(self, directory: str) -> tuple[str, ...]:
        """Returns every file in the directory, in one directly in it, and in one above it."""
        inner = (each for each in self._directories if each != ROOT and parent(each) == directory)
        places = {*lineage(directory), *inner}
        return tuple(sorted(join(place, name) for place in places for name in self.names(place)))

    def first(self, directory: str, *names: str) -> str | None:
        """Returns the first of these files that exists in a directory."""
        candidates = (join(directory, name) for name in names)
        return next((path for path in candidates if self.has(path)), None)

    def nearest(self, directory: str, *names: str) -> str | None:
        """Returns the first of these files in the directory, or in the nearest directory above that has one."""
        found = (self.first(above, *names) for above in lineage(directory))
        return next((path for path in found if path is not None), None)

    def text(self, path: str) -> str:
        """Returns a file's text, or an empty text if the file is absent or no text."""
        if path not in self._texts:
            self._texts[path] = self._load(path) if self.has(path) else ""
        return self._texts[path]

    def _load(self, path: str) -> str:
        try:
            return self._read(path)
        except (OSError, UnicodeError) as error:
            self.warn(f"{path}: cannot be read as text ({error}); discovery ignores this file")
            return ""

    def table(self, path: str | None) -> Table:
        """Returns the content of a TOML, JSON or YAML file, or an empty table if the file is absent or broken."""
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
            if path.endswith((".toml", ".lock", "Pipfile")) and not path.endswith(("Pipfile.lock", "bun.lock")):
                return parse_toml(text)
            return parse_yaml(text) if path.endswith((".yaml", ".yml")) else parse_json(text)
        except BrokenDocumentError as error:
            self.warn(f"{path}: broken ({error}); discovery ignores this file")
            return {}
