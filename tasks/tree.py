"""What is validated: the tracked files of a stack as they lie there, and untracked ones that git does not ignore."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.steps import Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """One file: `mode` is 0o100644, 0o100755 or 0o120000 (a symlink), `digest` the SHA-256 of content or target."""

    path: str
    mode: int
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files below `root` by relative path, sorted.

    `commit` is None without a repository or a first commit. `changed`: the files are not those of the commit.
    `untracked` are files that a deploy of the commit lacks; empty where there is no repository.
    """

    root: Path
    files: Mapping[str, TreeFile]
    untracked: tuple[str, ...]
    commit: str | None
    changed: bool
    digest: str


def read_tree(root: Path, cache: Path | None) -> Tree:
    """Reads the tree below `root`; `cache` is a directory that remembers digests between runs.

    Raises TreeError with every problem at once, UsageError where there is no git program. Writes nothing below `root`.
    """
    raise NotImplementedError


def select(tree: Tree, inputs: Inputs) -> Mapping[str, TreeFile]:
    """The files that a step with these inputs sees."""
    raise NotImplementedError


def digest_of(files: Mapping[str, TreeFile]) -> str:
    """One digest of names, modes and contents."""
    raise NotImplementedError
