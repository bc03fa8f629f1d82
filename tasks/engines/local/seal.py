"""Seals of installed packages: whether they are still what was installed, before a run uses them again.

A seal records each file with its size, its times and its digest. The time of a change cannot be set by a program, so a
file with the same times has the same content. Otherwise the content decides: a copy of the whole cache has new times.
"""
# ruff: noqa: PTH115, PTH118, PTH123
# (plain strings and os: making a Path for every file takes longer than everything else)

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SEAL = "sealed.json"
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
Facts = list[int | str]
"""Mode, size, both times in nanoseconds, and the digest of the content."""


def seal(root: Path, parts: Iterable[str], file: Path, *, is_read_only: bool) -> None:
    """Records all files in the parts of a directory. `is_read_only`: nothing in them can be written any more."""
    named = sorted(set(parts))
    if is_read_only:
        for part in named:
            _forbid_writing(os.path.join(root, part))
    found = {path: [*_facts(facts), _digest(root, path, facts)] for path, facts in _files(os.fspath(root), named)}
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps({"parts": named, "files": found}))
    partial.replace(file)


def damage(root: Path, file: Path, *, is_whole: bool) -> str:
    """The first file that is not as it was sealed; empty if all are. `is_whole`: every content is read."""
    try:
        document = json.loads(file.read_text())
        parts, sealed = document["parts"], dict(document["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return file.name
    has_moved = False
    for path, facts in _files(os.fspath(root), parts):
        known = sealed.pop(path, None)
        if known is None:
            return path
        if is_whole or known[:4] != _facts(facts):
            if known[:2] != _facts(facts)[:2] or known[4] != _digest(root, path, facts):
                return path
            has_moved = True
    if sealed:
        return str(min(sealed))
    if has_moved and not is_whole:
        with suppress(OSError):  # the next run reads fewer files
            seal(root, parts, file, is_read_only=False)
    return ""


def _files(root: str, parts: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Each file and symlink below the parts, with its facts."""
    for part in parts:
        top = f"{root}/{part}"
        if not os.path.lexists(top):
            continue
        if not stat.S_ISDIR(os.lstat(top).st_mode):
            yield part, os.lstat(top)
            continue
        pending = [part]
        while pending:
            directory = pending.pop()
            with os.scandir(f"{root}/{directory}") as entries:
                for entry in entries:
                    path = f"{directory}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    else:
                        yield path, entry.stat(follow_symlinks=False)


def _facts(facts: os.stat_result) -> Facts:
    return [facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]


def _digest(root: Path, path: str, facts: os.stat_result) -> str:
    if stat.S_ISLNK(facts.st_mode):
        return hashlib.sha256(os.fsencode(os.readlink(f"{root}/{path}"))).hexdigest()
    if not stat.S_ISREG(facts.st_mode):
        return "special"
    with open(f"{root}/{path}", "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _forbid_writing(top: str) -> None:
    """Takes the permission to write from files and directories. Links lead elsewhere, and keep theirs."""
    for directory, _, names in os.walk(top):
        for name in names:
            path = f"{directory}/{name}"
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and mode & WRITABLE:
                os.chmod(path, stat.S_IMODE(mode) & ~WRITABLE)  # noqa: PTH101
        os.chmod(directory, stat.S_IMODE(os.lstat(directory).st_mode) & ~WRITABLE)  # noqa: PTH101
