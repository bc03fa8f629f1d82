"""Brings the files of a commit out of git's own store, into a directory of the cache that is kept for the next run."""

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
"""Seconds that a tree is kept after the last run that looked at it."""
FILES, LIST = "files", "files.json"
KINDS = frozenset({0o100644, 0o100755, SYMLINK})


def read_commit_tree(root: Path, commit: str, tree_id: str, cache: Path) -> Tree:
    """The tree of a stack as it was in a commit, of which it is the git tree `tree_id`.

    The user's repository is read and never written: no checkout, no hook, no filter. Submodules are left out, and so
    is what no tree of ours may hold. Raises EngineError (`no_base`) where git does not have all of it.
    """
    place = cache / tree_id
    if not (place / LIST).exists():
        _extract(root, tree_id, place)
    files = {path: TreeFile(**facts) for path, facts in json.loads((place / LIST).read_bytes()).items()}
    os.utime(place)
    _remove_old(cache)
    return Tree(
        root=place / FILES,
        files=files,
        untracked=(),
        commit=commit,
        changed=False,
        digest=digest_of(files),
    )


def _extract(root: Path, tree_id: str, place: Path) -> None:
    """Fills a directory beside the place, and puts it there when it is whole; who comes second leaves it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{tree_id}.", dir=place.parent))
    try:
        (partial / FILES).mkdir()
        files = dict(_write_files(root, tree_id, partial / FILES))
        (partial / LIST).write_text(json.dumps({path: asdict(files[path]) for path in sorted(files)}))
        with suppress(OSError):
            partial.rename(place)
    finally:
        remove_tree(partial)


def _write_files(root: Path, tree_id: str, target: Path) -> Iterator[tuple[str, TreeFile]]:
    """Writes every file; symlinks come last, so that nothing is ever written through one."""
    listed = sorted(_listed(root, tree_id), key=lambda each: each[0] == SYMLINK)
    with start_git(root, OWN_CONFIG, ("cat-file", "--batch"), with_stdin=True) as store:
        for mode, blob, path in listed:
            content = _read_blob(store, blob, path)
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if mode == SYMLINK:
                if _leads_out(path, os.fsdecode(content)):
                    continue
                place.symlink_to(os.fsdecode(content))
            else:
                place.write_bytes(content)
                place.chmod(mode & 0o777)
            digest = hashlib.sha256(content).hexdigest()
            yield path, TreeFile(path=path, mode=mode, digest=digest, size=len(content))


def _listed(root: Path, tree_id: str) -> Iterator[tuple[int, str, str]]:
    """Mode, blob and path of all that is a file."""
    answer = run_git(root, OWN_CONFIG, "ls-tree", "-r", "-z", "--full-tree", tree_id)
    if answer.returncode:
        raise _missing_objects(os.fsdecode(answer.stderr).strip())
    for item in os.fsdecode(answer.stdout).split("\0")[:-1]:
        facts, _, path = item.partition("\t")
        mode, _, blob = facts.split(" ")
        if int(mode, 8) in KINDS and not {"", ".", "..", *EXCLUDED} & {*path.lower().split("/")}:
            yield int(mode, 8), blob, path


def _read_blob(store: subprocess.Popen[bytes], blob: str, path: str) -> bytes:
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
    return EngineError(f"git does not have all of its files here ({said}): git fetch --refetch brings them", "no_base")


def _remove_old(cache: Path) -> None:
    """What no run has looked at for a week, halves of it included."""
    for entry in os.scandir(cache):
        with suppress(OSError):
            if time.time() - entry.stat().st_mtime > KEPT:
                remove_tree(Path(entry.path))
