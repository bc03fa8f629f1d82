"""Kept workspaces: directories that hold exactly a tree's files, synced by content."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.tree import Tree, TreeFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """How many files were written, and how many files or directories deleted."""

    changed: int
    removed: int


def sync(tree: Tree, files: Mapping[str, TreeFile], workspace: Path, *, keep: Collection[str] = ()) -> Synced:
    """Makes `workspace` hold exactly `files`, and whatever lies at the relative paths `keep`.

    Blocks: call it in a thread. What it wrote is remembered in `<workspace>.json`, beside the workspace. Raises
    EngineError (`tree_changed`) where a file is no longer what the tree says.
    """
    raise NotImplementedError


@contextmanager
def lease(base: Path, name: str) -> Iterator[Path]:
    """A workspace directory `base/name-N` that no other run, and no other lease, uses; it may hold an earlier tree."""
    raise NotImplementedError
    yield


async def clone_tree(source: Path, target: Path) -> int:
    """Copies a directory of installed dependencies, by hard links where it can; returns the number of files.

    Atomic: `target` is replaced as a whole or not at all. Works in a thread; cancellation stops it.
    """
    raise NotImplementedError


def remove_tree(path: Path) -> None:
    """Deletes a file or a directory, read-only directories and files that appear meanwhile included."""
    raise NotImplementedError
