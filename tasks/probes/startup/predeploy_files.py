"""Stands in for files of variables that git leaves to production, while the settings load.

`dotenv_values` and configparser say nothing if a file is absent, so the settings fail later. Such a file gets the
values of its example, and those that the loader fills. A file without an example explains the later error.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from predeploy_absent import is_example

SILENT = (KeyError, TypeError, AttributeError, configparser.Error)
"""Errors of settings that a file would prevent which nothing reported as absent."""


class FilesOfSettings:
    """The files that the settings looked for and did not find. `filled` maps those with an example to it."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.filled: dict[str, str] = {}

    def explains(self, error: BaseException) -> str:
        """Returns the absent file that an error comes of, or an empty text."""
        names = [name for name in self.names if name not in self.filled]
        about_none = not isinstance(error, (TypeError, AttributeError)) or "None" in str(error)
        return names[-1] if names and isinstance(error, SILENT) and about_none else ""

    def example(self, name: str) -> Path | None:
        """Records an absent file. Returns the example next to it, if there is one."""
        path = Path(name or ".env").absolute()
        self.names[shown(path)] = None
        folder = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
        found = next((each for each in folder if is_example(each.name, path) and each.is_file()), None)
        if found is not None:
            self.filled[shown(path)] = shown(found)
        return found


def shown(path: Path) -> str:
    """Returns a path relative to the workspace."""
    root = Path(os.environ.get("PREDEPLOY_WORK") or Path.cwd())
    return str(path.relative_to(root)) if root in path.parents else str(path)


@contextmanager
def standing_in(absent: FilesOfSettings, added: set[str]) -> Iterator[None]:
    """Gives the settings values of absent files. `added` are the variables with throwaway values."""
    with reading_examples(absent), of_dotenv(absent, added):
        yield


@contextmanager
def reading_examples(absent: FilesOfSettings) -> Iterator[None]:
    """Lets configparser read the example of a file that is absent."""
    kind: Any = configparser.RawConfigParser
    original = kind.read

    def read(self: Any, filenames: Any, encoding: str | None = None) -> list[str]:
        found: list[str] = original(self, filenames, encoding)
        names = [filenames] if isinstance(filenames, (str, bytes, os.PathLike)) else [*filenames]
        for name in [] if found else map(os.fsdecode, names):
            example = absent.example(name)
            if example is not None:
                found += original(self, str(example), encoding)
        return found

    kind.read = read
    try:
        yield
    finally:
        kind.read = original


@contextmanager
def of_dotenv(absent: FilesOfSettings, added: set[str]) -> Iterator[None]:
    """Lets `dotenv_values` return the values of an absent file. `load_dotenv` only adds to the environment."""
    try:
        from dotenv.main import DotEnv
    except ImportError:  # not installed, or another package of this name
        yield
        return
    kind: Any = DotEnv
    parse, load = kind.parse, kind.set_as_environment_variables

    def parse_or_fill(self: Any) -> Iterator[tuple[str, Any]]:
        path = str(getattr(self, "dotenv_path", None) or "")
        is_there = getattr(self, "stream", None) is not None or Path(path or ".env").is_file()
        if is_there or getattr(self, "predeploy_loads", False):
            yield from parse(self)
            return
        example = absent.example(path)
        for name, value in parse(kind(str(example), encoding="utf-8")) if example else ():
            yield name, os.environ.get(name, value)
        for name in sorted(added):
            yield name, os.environ.get(name)

    def load_only(self: Any) -> Any:
        self.predeploy_loads = True
        return load(self)

    kind.parse, kind.set_as_environment_variables = parse_or_fill, load_only
    try:
        yield
    finally:
        kind.parse, kind.set_as_environment_variables = parse, load
