"""Workspaces of steps that had secrets: they are not kept, because the code of a check may have written a value there.

A file next to the workspace records it, so that a later run cleans up after a run that was killed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from tasks.files import remove_tree
from tasks.locks import open_lock_file, try_lock
from tasks.redaction.redactor import Redactor

ENDING = ".exposed"
COMPANIONS = (".json", ".modules")
CACHE = ".cache"
MOST_BYTES = 32 << 20
"""How much of a cache is searched for values. A larger one is deleted as a whole."""


def marker_of(workspace: Path) -> Path:
    """The file that says: a step in this workspace had secrets."""
    return workspace.with_name(workspace.name + ENDING)


def forget_workspace(workspace: Path) -> None:
    """Deletes a workspace with everything that belongs to it. Its lock file stays."""
    for each in (workspace, *(workspace.with_name(workspace.name + end) for end in (*COMPANIONS, CACHE))):
        remove_tree(each)
    marker_of(workspace).unlink(missing_ok=True)


def clean_workspace(workspace: Path, redactor: Redactor) -> None:
    """Deletes a workspace after its run, and in the caches of its tools the files of this run that have a value."""
    marker, cache = marker_of(workspace), workspace.with_name(workspace.name + CACHE)
    since = marker.stat().st_mtime_ns if marker.exists() else 0
    written = [*_written_since(cache, since)]
    if sum(size for _, size in written) > MOST_BYTES:
        forget_workspace(workspace)
        return
    for path, _ in written:
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        if redactor.data(content + b"\n" + os.fsencode(path.name)) != content + b"\n" + os.fsencode(path.name):
            path.unlink()
    for each in (workspace, *(workspace.with_name(workspace.name + end) for end in COMPANIONS)):
        remove_tree(each)
    marker.unlink(missing_ok=True)


def _written_since(cache: Path, since: int) -> Iterator[tuple[Path, int]]:
    """Files and links that changed after the marker was written. The time of a change cannot be set by a program."""
    for directory, _, names in os.walk(cache):
        for name in names:
            path = Path(directory, name)
            facts = path.lstat()
            if facts.st_ctime_ns >= since:
                yield path, facts.st_size


def forget_exposed(stacks: Path) -> None:
    """Deletes the workspaces of killed runs that had secrets."""
    for marker in stacks.glob(f"*/*{ENDING}"):
        workspace = marker.with_suffix("")
        descriptor = open_lock_file(Path(f"{workspace}.lock"))
        try:
            if try_lock(descriptor):
                forget_workspace(workspace)
        finally:
            os.close(descriptor)
