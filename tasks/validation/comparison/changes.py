"""Reads the files that differ from a commit, before and after, as far as a rule of the gate reads them."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tasks.errors import PredeployError
from tasks.source.commit_tree import read_blob
from tasks.source.git import read_config, run_git, start_git
from tasks.source.tree import SYMLINK, Tree

MOST_FILES, LONGEST = 2_000, 1_000_000
"""The changed files that are read, and the bytes of each."""
_READ = re.compile(
    r".*\.(?:py|pyi|[cm]?[jt]sx?|vue|svelte|astro|toml|cfg|ini)"
    r"|(?:.*/)?(?:tsconfig[\w.-]*|package|biome|pyrightconfig|\.oxlintrc|\.eslintrc)\.jsonc?"
    r"|(?:.*/)?(?:\.eslintrc|\.eslintignore|\.coveragerc|\.flake8|[Jj]ustfile|Makefile|\.pre-commit-config\.ya?ml)"
    r"|(?:.*/)?\.github/workflows/[^/]+\.ya?ml"
)
_GENERATED = re.compile(r"(?:.*/)?(?:node_modules|vendor|dist|\.venv)/.*|.*\.min\.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file that differs: its text before and after. None: it did not exist, or does not any more."""

    path: str
    before: str | None
    after: str | None


def read_changes(tree: Tree, commit: str) -> tuple[FileChange, ...]:
    """Returns the changed files from the commit to the tree. Raises PredeployError if git cannot compare them."""
    blobs = {path: blob for path, blob in _differing(tree, commit) if _is_read(path)}
    paths = sorted({*blobs, *(path for path in tree.untracked if _is_read(path))})
    if len(paths) > MOST_FILES:
        raise PredeployError(f"{len(paths)} files with code or settings differ, more than {MOST_FILES}")
    before = dict(_contents(tree, blobs))
    found = (FileChange(path=path, before=before.get(path), after=_current(tree, path)) for path in paths)
    return tuple(each for each in found if _is_whole(tree, blobs, each))


def _is_whole(tree: Tree, blobs: dict[str, str], change: FileChange) -> bool:
    """Whether both texts were read. A file that is too long counts neither as new nor as removed."""
    was, is_there = bool(blobs.get(change.path, "").strip("0")), change.path in tree.files
    return (change.before is not None) is was and (change.after is not None) is is_there


def _is_read(path: str) -> bool:
    return _READ.fullmatch(path) is not None and not _GENERATED.fullmatch(path)


def _differing(tree: Tree, commit: str) -> Iterator[tuple[str, str]]:
    """The path of each file that differs, and its blob in the commit: zeros if the commit does not have the file."""
    options = ("--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=all", "--relative")
    answer = run_git(tree.root, read_config(tree.root), "diff", *options, commit, "--", ".")
    if answer.returncode:
        raise PredeployError(f"git cannot compare: {os.fsdecode(answer.stderr).strip()}")
    parts = os.fsdecode(answer.stdout).split("\0")
    for facts, path in zip(parts[::2], parts[1::2], strict=False):
        mode, _, blob, *_ = facts.removeprefix(":").split(" ")
        if mode in {"100644", "100755", "000000"}:
            yield path, blob


def _contents(tree: Tree, blobs: dict[str, str]) -> Iterator[tuple[str, str]]:
    with start_git(tree.root, read_config(tree.root), ("cat-file", "--batch"), with_stdin=True) as store:
        for path, blob in blobs.items():
            if blob.strip("0"):
                content = read_blob(store, blob, path)
                if len(content) <= LONGEST:
                    yield path, content.decode("utf-8", "replace")


def _current(tree: Tree, path: str) -> str | None:
    file = tree.files.get(path)
    if file is None or file.mode == SYMLINK or file.size > LONGEST:
        return None
    with suppress(OSError):
        return (tree.root / path).read_text(encoding="utf-8", errors="replace")
    return None
