"""Lists the files of a tree with git."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import TreeError, UsageError
from tasks.source.git import Config, read_config, run_git, start_git
from tasks.user_dirs import REPORTS

OUTSIDE = "not a git repository (or any"
"""Part of git's message for a directory without a repository. A broken repository has another message."""
GITLINK = 0o160000
HOMES = frozenset({Path("/home"), Path("/Users"), Path("/usr"), Path("/var"), Path("/etc")})
SIGNS = ("predeploy.toml", "manage.py", "package.json", "pyproject.toml", "requirements.txt", "wrangler.toml")
"""Files that a stack has at its root. In some containers the home directory is the stack."""
WAY_OUT = "Change to the stack's directory, or name it: predeploy path/to/stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a directory, from git. Paths are relative to the directory.

    `tracked` maps paths to the modes in git's index. `gitlinks` are submodules with their commits. `others` are
    untracked and not ignored; a path that ends with `/` is a nested repository. `changed`: tracked files differ from
    the commit. Without a repository, `commit` is None, and all files are in `others`.
    """

    tracked: Mapping[str, int]
    gitlinks: Mapping[str, str]
    others: tuple[str, ...]
    commit: str | None
    changed: bool
    is_repository: bool
    warnings: tuple[str, ...]


def list_files(root: Path) -> Listing:
    """Lists the files below `root`."""
    config = read_config(root)
    if not _is_inside_repository(root, config):
        return _list_outside(root, config)
    status = (
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        "-uno",
        "--ignore-submodules=all",
        "--no-renames",
        "--",
        ".",
    )
    names = ("ls-files", "-t", "-s", "-c", "-o", "--exclude-standard", f"--exclude=/{REPORTS}", "-z")
    # Each of them walks the whole tree, so they run at the same time.
    with start_git(root, config, names) as listing, start_git(root, config, status) as difference:
        names_output, warnings = _finish(listing)
        commit, changed = _parse_status(_finish(difference)[0])
    tracked, gitlinks, others = _parse_names(names_output)
    if not tracked and not others and run_git(root, config, "check-ignore", "-q", ".").returncode == 0:
        # The surrounding repository ignores this directory, so it is not part of that repository.
        return _list_outside(root, config)
    return Listing(
        tracked=tracked,
        gitlinks=gitlinks,
        others=others,
        commit=commit,
        changed=changed,
        is_repository=True,
        warnings=warnings,
    )


def _list_outside(root: Path, config: Config) -> Listing:
    """Lists the files by the same rules without a repository: git uses an empty repository in a temporary directory."""
    _refuse_whole_disk(root)
    with tempfile.TemporaryDirectory(prefix="predeploy-git-") as directory:
        for name in ("objects", "refs"):
            (Path(directory) / name).mkdir()
        (Path(directory) / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        repository = (f"--git-dir={directory}", f"--work-tree={root}")
        names = (*repository, "ls-files", "-t", "-o", "--exclude-standard", f"--exclude=/{REPORTS}", "-z")
        with start_git(root, config, names) as listing:
            output, warnings = _finish(listing)
    return Listing(
        tracked={},
        gitlinks={},
        others=_parse_names(output)[2],
        commit=None,
        changed=True,
        is_repository=False,
        warnings=warnings,
    )


def _refuse_whole_disk(root: Path) -> None:
    """Raises UsageError for the root of the file system, and for homes: a listing would walk over the whole disk."""
    is_home = root == Path(os.path.expanduser("~")) and not any((root / name).exists() for name in SIGNS)  # noqa: PTH111
    if root == Path(root.anchor) or root in HOMES or is_home:
        raise UsageError(
            f"{root} has no repository, and it is a place for all files of a person or a machine. {WAY_OUT}"
        )


def _is_inside_repository(root: Path, config: Config) -> bool:
    answer = run_git(root, config, "rev-parse", "--is-inside-work-tree")
    if answer.returncode == 0:
        if answer.stdout.strip() == b"true":
            return True
        raise TreeError(f"{root} is inside git's own data, or in a bare repository. Name the stack's directory.")
    said = os.fsdecode(answer.stderr).strip()
    if OUTSIDE in said:
        return False
    raise TreeError(f"git cannot read the repository of {root}: {said}. Repair the repository and run again.")


def _finish(process: subprocess.Popen[bytes]) -> tuple[bytes, tuple[str, ...]]:
    """The output of git, and warnings for directories that it could not read."""
    stdout, stderr = process.communicate()
    said = os.fsdecode(stderr).strip()
    if process.returncode:
        raise TreeError(f"git cannot list the files: {said}. Repair the repository and run again.")
    warnings = (line.removeprefix("warning: ") for line in said.splitlines() if "could not open directory" in line)
    return stdout, tuple(f"{line}. Make it readable, or let git ignore it." for line in warnings)


def _parse_names(output: bytes) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    """Tracked paths with their modes, submodules with their commits, and other paths."""
    tracked: dict[str, int] = {}
    gitlinks: dict[str, str] = {}
    others: list[str] = []
    for item in os.fsdecode(output).split("\0")[:-1]:
        tag, rest = item[0], item[2:]
        if tag == "?":
            others.append(rest)
            continue
        facts, _, path = rest.partition("\t")
        mode, commit, _ = facts.split(" ")
        tracked[path] = int(mode, 8)
        if tracked[path] == GITLINK:
            gitlinks[path] = commit
    return tracked, gitlinks, tuple(others)


def _parse_status(output: bytes) -> tuple[str | None, bool]:
    commit, changed = None, False
    for item in output.split(b"\0"):
        if item.startswith(b"# branch.oid ") and item != b"# branch.oid (initial)":
            commit = item.rpartition(b" ")[2].decode("ascii")
        changed |= bool(item) and not item.startswith(b"# ")
    return commit, changed
