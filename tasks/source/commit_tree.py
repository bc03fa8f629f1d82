"""Extracts the files of a commit from git's object store, into a directory of the cache."""

import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tasks.errors import EngineError
from tasks.files import remove_tree
from tasks.source.git import OWN_CONFIG, run_git, start_git
from tasks.source.tree import EXCLUDED, SYMLINK, Tree, TreeFile, digest_of

KEPT = 7 * 86400.0
"""Seconds that a tree is kept after its last use."""
FILES, LIST = "files", "files.json"
KINDS = frozenset({0o100644, 0o100755, SYMLINK})


def read_commit_tree(root: Path, commit: str, tree_id: str, cache: Path) -> Tree:
    """The tree of a stack in a commit, where its git tree is `tree_id`.

    The repository is only read: no checkout, hook or filter runs. Submodules are left out, and so are files that a
    tree cannot have. Raises EngineError (`no_base`) if git lacks objects of it.
    """
    directory = cache / tree_id
    if not (directory / LIST).exists():
        _extract(root, tree_id, directory)
    files = {path: TreeFile(**facts) for path, facts in json.loads((directory / LIST).read_bytes()).items()}
    os.utime(directory)
    _remove_old(cache)
    return Tree(
        root=directory / FILES,
        files=files,
        untracked=(),
        commit=commit,
        changed=False,
        digest=digest_of(files),
    )


def _extract(root: Path, tree_id: str, directory: Path) -> None:
    """Extracts a tree atomically. If another process was faster, its directory stays."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{tree_id}.", dir=directory.parent))
    try:
        (partial / FILES).mkdir()
        files = dict(_write_files(root, tree_id, partial / FILES))
        (partial / LIST).write_text(json.dumps({path: asdict(files[path]) for path in sorted(files)}))
        with suppress(OSError):
            partial.rename(directory)
    finally:
        remove_tree(partial)


def _write_files(root: Path, tree_id: str, target: Path) -> Iterator[tuple[str, TreeFile]]:
    """Writes all files. Symlinks come last, so that no file is written through one."""
    listed = sorted(_listed(root, tree_id), key=lambda each: each[0] == SYMLINK)
    with start_git(root, OWN_CONFIG, ("cat-file", "--batch"), with_stdin=True) as store:
        for mode, blob, path in listed:
            content = read_blob(store, blob, path)
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if mode == SYMLINK:
                if _leads_out(path, os.fsdecode(content)):
                    continue
                file.symlink_to(os.fsdecode(content))
            else:
                file.write_bytes(content)
                file.chmod(mode & 0o777)
            digest = hashlib.sha256(content).hexdigest()
            yield path, TreeFile(path=path, mode=mode, digest=digest, size=len(content))


def _listed(root: Path, tree_id: str) -> Iterator[tuple[int, str, str]]:
    """The mode, blob and path of each file and symlink."""
    answer = run_git(root, OWN_CONFIG, "ls-tree", "-r", "-z", "--full-tree", tree_id)
    if answer.returncode:
        raise _missing_objects(os.fsdecode(answer.stderr).strip())
    for item in os.fsdecode(answer.stdout).split("\0")[:-1]:
        facts, _, path = item.partition("\t")
        mode, _, blob = facts.split(" ")
        if int(mode, 8) in KINDS and not {"", ".", "..", *EXCLUDED} & {*path.lower().split("/")}:
            yield int(mode, 8), blob, path


def read_blob(store: subprocess.Popen[bytes], blob: str, path: str) -> bytes:
    assert store.stdin is not None
    assert store.stdout is not None
    store.stdin.write(f"{blob}\n".encode())
    store.stdin.flush()
    _, kind, *size = store.stdout.readline().split() or (b"", b"missing")
    if kind != b"blob":
        raise _missing_objects(f"{path} is {os.fsdecode(kind)}")
    content = store.stdout.read(int(size[0]))
    store.stdout.read(1)
    return content


def _leads_out(path: str, target: str) -> bool:
    words = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120 - no path of ours
    return target.startswith("/") or words == ".." or words.startswith("../")


def _missing_objects(said: str) -> EngineError:
    return EngineError(f"git lacks some of its files here ({said}): git fetch --refetch gets them", "no_base")


def _remove_old(cache: Path) -> None:
    """Deletes trees without use for a week, and incomplete ones."""
    for entry in os.scandir(cache):
        with suppress(OSError):
            if time.time() - entry.stat().st_mtime > KEPT:
                remove_tree(Path(entry.path))
