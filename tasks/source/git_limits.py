"""The limits of a git call: a repository may hold files that stop git, such as a FIFO in the place of `.gitignore`."""

import os
import re
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tasks.errors import EngineError, UsageError

SECONDS = 300.0
"""The limit of a call on this machine's files."""
PATIENCE = 3.0
"""Seconds after which the files that git reads are looked at."""
SEARCH_SECONDS = 5.0
READ_IN_TREE = frozenset({".git", ".gitattributes", ".gitignore", ".gitmodules", ".mailmap"})
READ_IN_GIT = ("HEAD", "config", "index", "packed-refs", "shallow", "commondir", "info/attributes", "info/exclude")
INCLUDED = re.compile(
    rb'^\s*(?:path|excludesfile|attributesfile|worktree)\s*=\s*"?([^"\n#;]+)', re.MULTILINE | re.IGNORECASE
)
CONFIG_LIMIT = 1 << 20


class GitWatch:
    """Ends one git process at its limit, or earlier if a file that it reads blocks it. `error` then has the reason."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path, what: str, limit: float | None) -> None:
        self.error: EngineError | None = None
        self._process, self._root, self._what = process, root, what
        self._done = threading.Event()
        if limit is not None:
            with suppress(RuntimeError):  # too little memory for a thread: git runs without a limit
                threading.Thread(target=self._watch, args=(limit,), daemon=True).start()

    def end(self) -> None:
        """The process has ended, or is about to be ended."""
        self._done.set()

    def _watch(self, limit: float) -> None:
        first = min(PATIENCE, limit)
        if self._done.wait(first):
            return
        file = blocking_file(self._root)
        if not file and self._done.wait(limit - first):
            return
        text = f"git {self._what} was still running in {self._root} after {limit:g} s"
        if file:
            text = f"git {self._what} cannot read {file}, which is a FIFO or a device. Remove it, or make it a file"
        self.error = EngineError(f"{text}.", "clone")
        self._process.kill()


def blocking_file(root: Path) -> str:
    """A file below `root` that blocks git, because it is neither a file nor a directory; empty if none is found."""
    until = time.monotonic() + SEARCH_SECONDS
    return next((path for path in _read_by_git(root, until) if _blocks(path)), "")


def _read_by_git(root: Path, until: float) -> Iterator[str]:
    top = os.fspath(root)
    above = [top, *map(str, root.parents)]
    for directory in above:
        yield from (f"{directory}/{name}" for name in READ_IN_TREE)
        git = f"{directory}/.git"
        yield from (f"{git}/{name}" for name in READ_IN_GIT)
        yield from _included(f"{git}/config", git)
        if os.path.isdir(git):  # noqa: PTH112 - plain strings
            break
    for directory, _, names in os.walk(top):
        yield from (f"{directory}/{name}" for name in READ_IN_TREE.intersection(names))
        if time.monotonic() > until:
            return


def _included(config: str, directory: str) -> Iterator[str]:
    """The files that a configuration names."""
    if _blocks(config) or not os.path.isfile(config):  # noqa: PTH113 - plain strings
        return
    with open(config, "rb") as file:  # noqa: PTH123 - plain strings
        content = file.read(CONFIG_LIMIT)
    for found in INCLUDED.finditer(content):
        yield os.path.join(directory, os.path.expanduser(os.fsdecode(found[1].strip())))  # noqa: PTH111, PTH118


def _blocks(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - plain strings
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def refuse_nul(root: Path, arguments: tuple[str, ...]) -> None:
    """Raises UsageError for a text that no program can get."""
    for text in (str(root), *arguments):
        if "\0" in text:
            raise UsageError(f"{text!r} contains a NUL character, which no path and no name has. Correct it.")
        try:
            os.fsencode(text)
        except UnicodeEncodeError as error:
            raise UsageError(f"{text!r} is no valid Unicode, so it is no path and no name. Correct it.") from error
