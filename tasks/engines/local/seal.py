"""Seals of installed packages: whether they are still what was installed, before a run uses them again.

A seal records each file with its size, its times and its digest. The time of a change cannot be set by a program, so a
file with the same times has the same content. Otherwise the content decides: a copy of the whole cache has new times.

A quick seal is the digest of what GNU find prints about all files. If it is as before, the files are, too. Without such
a program, or with another digest, each file is compared.
"""
# ruff: noqa: PTH115, PTH118, PTH123
# (plain strings and os: making a Path for every file takes longer than everything else)

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

SEAL = "sealed.json"
QUICK = ".quick"
"""The end of the name of a quick seal, next to the seal."""
FACTS_OF_FIND = r"%y %m %s %T@ %C@ %p\0"
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
Facts = list[int | str]
"""Mode, size, both times in nanoseconds, and the digest of the content."""


def seal(
    root: Path, parts: Iterable[str], file: Path, *, is_read_only: bool, known: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Records all files in the parts of a directory. `is_read_only`: nothing in them can be written any more.

    `known` has digests of files by their path, for copies of sealed files. The other files are read.
    """
    named = sorted(set(parts))
    if is_read_only:
        for part in named:
            _forbid_writing(os.path.join(root, part))
    found = {
        path: [*_facts(facts), known.get(path) or _digest(root, path, facts)]
        for path, facts in _files(os.fspath(root), named)
    }
    _write(file, {"parts": named, "files": found})
    _seal_quickly(file, named, _quick_digest(root, named, file))


def sealed_digests(file: Path, directory: str) -> dict[str, str]:
    """The digests of sealed files below a directory, by their path in it; none if the seal cannot be read."""
    try:
        files = json.loads(file.read_text())["files"]
        return {path.removeprefix(f"{directory}/"): str(facts[4]) for path, facts in files.items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return {}


def damage(root: Path, file: Path, *, is_whole: bool) -> str:
    """The first file that is not as it was sealed; empty if all are. `is_whole`: every content is read."""
    parts, digest = ([], "") if is_whole else _read_quick(file)
    found = _quick_digest(root, parts, file) if digest else ""
    if found and found == digest:
        return ""
    return _compare(root, file, is_whole=is_whole)


def _compare(root: Path, file: Path, *, is_whole: bool) -> str:
    """As `damage`, with a look at each file."""
    try:
        document = json.loads(file.read_text())
        parts, sealed = document["parts"], dict(document["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return file.name
    has_moved = False
    found = "" if is_whole else _quick_digest(root, parts, file)
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
    elif found:
        with suppress(OSError):
            _seal_quickly(file, parts, found)
    return ""


def _write(file: Path, document: object) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(document))
    partial.replace(file)


def _seal_quickly(file: Path, parts: list[str], digest: str) -> None:
    if digest:
        _write(file.with_name(f"{file.name}{QUICK}"), {"parts": parts, "digest": digest})


def _read_quick(file: Path) -> tuple[list[str], str]:
    """Parts and digest of a quick seal; both are empty without one."""
    try:
        document = json.loads(file.with_name(f"{file.name}{QUICK}").read_text())
        return [str(part) for part in document["parts"]], str(document["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return [], ""


def _quick_digest(root: Path, parts: list[str], file: Path) -> str:
    """The digest of the facts of all files and of their seal; empty if it cannot be had."""
    if not parts or not (program := shutil.which("find", path=os.defpath)):
        return ""
    argv = [program, *(f"./{part}" for part in parts), "!", "-type", "d", "-printf", FACTS_OF_FIND]
    try:
        facts = _facts(os.lstat(file))
        done = subprocess.run(argv, cwd=root, env={}, capture_output=True, check=False)
    except OSError:
        return ""
    if done.returncode or done.stderr:
        return ""
    return hashlib.sha256(f"{facts}\0".encode() + done.stdout).hexdigest()


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
