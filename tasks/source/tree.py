"""The tree under validation: tracked files in their current state, and untracked files that git does not ignore."""
# ruff: noqa: PTH114, PTH115, PTH117, PTH118, PTH120, PTH123
# (plain strings and os: making a Path for every file takes longer than everything else)

import hashlib
import os
import re
import shlex
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import TreeError
from tasks.source.digest_cache import KnownDigests
from tasks.source.git import OWN_CONFIG, run_git
from tasks.source.ls_files import Listing, list_files
from tasks.source.submodules import missing_problem, undeclared_gitlinks, undeclared_problem
from tasks.user_dirs import REPORTS

FILE, PROGRAM, SYMLINK = 0o100644, 0o100755, 0o120000
EXCLUDED = frozenset({".git", REPORTS})
MARGIN_NS = 2_000_000_000
"""The coarsest clock of the file systems that a checkout may be on."""
CHUNK = 1 << 20
POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:[0-9a-f]{64}\nsize \d+\n?"
)
POINTER_LIMIT = 1024


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

    `commit` is None without a repository or a first commit. `changed`: the files differ from the commit. `untracked`
    are files that a deploy of the commit lacks; empty without a repository.
    """

    root: Path
    files: Mapping[str, TreeFile]
    untracked: tuple[str, ...]
    commit: str | None
    changed: bool
    digest: str


def read_tree(root: Path, cache: Path | None) -> Tree:
    """Reads the tree below `root`. `cache` is a directory for digests between runs. Nothing is written below `root`.

    Raises TreeError with all problems, and UsageError if git is not installed.
    """
    root = root.resolve()
    begun = time.time_ns()
    memory = cache and cache / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
    known = KnownDigests.load(memory, MARGIN_NS) if memory else KnownDigests(MARGIN_NS)
    reading = _Reading(root, known)
    listing = reading.read("")
    if reading.problems:
        raise TreeError("\n".join(sorted(reading.problems)))
    files = dict(sorted(reading.files.items()))
    if memory:
        known.keep_only(files)
        _save(known, memory, begun)
    untracked = tuple(sorted(files.keys() & reading.untracked)) if listing.is_repository else ()
    return Tree(
        root=root,
        files=files,
        untracked=untracked,
        commit=listing.commit,
        changed=reading.changed or bool(untracked),
        digest=digest_of(files),
    )


def refuse_tracked_reports(root: Path) -> None:
    """Raises TreeError if git tracks the directory of reports: a report there may not be from a run."""
    if run_git(root, OWN_CONFIG, "ls-files", "-z", "--", REPORTS).stdout:
        raise TreeError(_tracked(REPORTS))


def digest_of(files: Mapping[str, TreeFile]) -> str:
    """One digest of names, modes and contents."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(entry_of(files[path]))
    return digest.hexdigest()


def entry_of(file: TreeFile) -> bytes:
    """Name, mode and digest of a file, for a digest of many files."""
    return f"{file.path}\0{file.mode:o}\0{file.digest}\0".encode("utf-8", "surrogateescape")


class _Reading:
    """The state while a tree is read. `prefix` is the path of a nested repository, with a slash, or empty."""

    def __init__(self, root: Path, known: KnownDigests) -> None:
        self.root, self.known = os.fspath(root), known
        self.files: dict[str, TreeFile] = {}
        self.untracked: list[str] = []
        self.problems: list[str] = []
        self.changed = False
        self._real = {"": True}

    def read(self, prefix: str) -> Listing:
        listing = list_files(Path(self.root, prefix))
        self.changed |= listing.changed
        self.problems += [f"{self.root}/{prefix}: {warning}" for warning in listing.warnings]
        reports = {above for path in listing.tracked if REPORTS in path and (above := _reports_in(path))}
        self.problems += [_tracked(prefix + path) for path in reports]
        undeclared = undeclared_gitlinks(Path(self.root, prefix), listing.gitlinks)
        self.problems += [undeclared_problem(prefix + path) for path in undeclared if not _reports_in(path)]
        for path in listing.tracked.keys() - undeclared:
            if path in listing.gitlinks:
                self._read_submodule(prefix + path, listing.gitlinks[path])
            elif self._is_real(path.rpartition("/")[0], prefix):
                self._add(prefix + path, is_tracked=True)
        for path in listing.others:
            if path.endswith("/"):
                self._read_inner(prefix + path)
                self.untracked += [inner for inner in self.files if inner.startswith(prefix + path)]
            else:
                self._add(prefix + path, is_tracked=False)
                self.untracked.append(prefix + path)
        return listing

    def _read_inner(self, prefix: str) -> Listing | None:
        try:
            return None if EXCLUDED.intersection(prefix.split("/")) else self.read(prefix)
        except TreeError as error:
            self.problems.append(str(error))
            return None

    def _read_submodule(self, path: str, commit: str) -> None:
        if not os.path.lexists(f"{self.root}/{path}"):
            self.changed = True  # a deleted submodule is a change, as a deleted file is
        elif not os.path.lexists(f"{self.root}/{path}/.git"):
            self.problems.append(missing_problem(path))
        else:
            listing = self._read_inner(f"{path}/")
            self.changed |= listing is None or listing.commit != commit

    def _is_real(self, directory: str, prefix: str) -> bool:
        """Whether no part of the path is a symlink: git tracks the files in a directory, not those behind a link."""
        path = prefix + directory if directory else ""
        if path not in self._real:
            above = self._is_real(directory.rpartition("/")[0], prefix)
            self._real[path] = above and not os.path.islink(f"{self.root}/{path}")
        return self._real[path]

    def _add(self, path: str, *, is_tracked: bool) -> None:
        location = f"{self.root}/{path}"
        if REPORTS in path and EXCLUDED.intersection(path.split("/")):
            return
        try:
            found = os.lstat(location)
            if stat.S_ISLNK(found.st_mode):
                self._add_symlink(path, os.readlink(location))
            elif stat.S_ISREG(found.st_mode):
                self._add_file(path, found)
            elif is_tracked and not stat.S_ISDIR(found.st_mode):
                self.problems.append(f"{path}: neither a file nor a symlink, though git tracks it. Restore it.")
        except (FileNotFoundError, NotADirectoryError):
            return  # deleted, possibly after git listed it
        except OSError as error:
            self.problems.append(f"{path}: cannot be read ({error.strerror}). Make it readable, or let git ignore it.")

    def _add_file(self, path: str, found: os.stat_result) -> None:
        digest, size = self.known.digest(path, found), found.st_size
        if digest is None:
            digest, size, head = _read_digest(f"{self.root}/{path}")
            if POINTER.fullmatch(head):
                text = f"{path}: it is a Git LFS pointer without its content"
                self.problems.append(f"{text}. Run `git lfs pull`.")
                return
            self.known.remember(path, digest, found)
        mode = PROGRAM if found.st_mode & stat.S_IXUSR else FILE
        self.files[path] = TreeFile(path=path, mode=mode, digest=digest, size=size)

    def _add_symlink(self, path: str, target: str) -> None:
        if self._leads_out(path, target):
            text = f"{path}: a symlink to {target}, outside of the stack: a deploy does not have that"
            self.problems.append(f"{text}. Make it a relative link to a file of the stack, or let git ignore it.")
            return
        content = os.fsencode(target)
        digest = hashlib.sha256(content).hexdigest()
        self.files[path] = TreeFile(path=path, mode=SYMLINK, digest=digest, size=len(content))

    def _leads_out(self, path: str, target: str) -> bool:
        """Whether a symlink leads out of the tree: by its text, or through other symlinks."""
        words = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if os.path.isabs(target) or words == ".." or words.startswith("../"):
            return True
        real = os.path.realpath(f"{self.root}/{os.path.dirname(path)}/{target}")
        return real != self.root and not real.startswith(f"{self.root.rstrip('/')}/")


def _reports_in(path: str) -> str:
    """The directory of reports that contains a path, or is it; otherwise empty."""
    parts = path.split("/")
    return "/".join(parts[: parts.index(REPORTS) + 1]) if REPORTS in parts else ""


def _tracked(path: str) -> str:
    text = f"{path}: git tracks it, and a committed report may be mistaken for that of a run"
    return f"{text}. Run `git rm -r --cached {shlex.quote(path)}`, and commit that."


def _read_digest(location: str) -> tuple[str, int, bytes]:
    """The digest and the size of the content, and the content itself if it is short enough for an LFS pointer."""
    digest, size, head = hashlib.sha256(), 0, b""
    with open(location, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            head = chunk if size == len(chunk) < POINTER_LIMIT else b""
    return digest.hexdigest(), size, head


def _save(known: KnownDigests, memory: Path, now_ns: int) -> None:
    with suppress(OSError):  # a cache that cannot be written costs time, not a verdict
        known.save(memory, now_ns)
