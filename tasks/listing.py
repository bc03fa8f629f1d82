"""Asks git which files a tree has. Nothing of the user's own git setup can run, break or redirect the question."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import TreeError, UsageError

OUTSIDE = "not a git repository (or any"
"""Git's words for: no repository here. A broken one it calls otherwise, and that is an error."""
PASSED_ON = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
GITLINK = 0o160000
OWN_CONFIG = (
    ("safe.directory", "*"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.untrackedCache", "false"),
    ("core.quotePath", "false"),
    ("submodule.recurse", "false"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What git knows of a directory; paths are relative to it.

    `tracked` maps paths to the modes in git's index. `others` are untracked and not ignored; a path that ends with `/`
    is a repository inside. `changed`: tracked files are not those of the commit. Without a repository `commit` is None,
    all is in `others`.
    """

    tracked: Mapping[str, int]
    gitlinks: Mapping[str, str]
    others: tuple[str, ...]
    commit: str | None
    changed: bool
    is_repository: bool
    warnings: tuple[str, ...]


def list_files(root: Path) -> Listing:
    """What git knows of the files below `root`."""
    config = _read_config(root)
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
    names = ("ls-files", "-t", "-s", "-c", "-o", "--exclude-standard", "--exclude=/.predeploy", "-z")
    # Both walk the whole tree, each on its own.
    with _start(root, config, names) as listing, _start(root, config, status) as difference:
        names_output, warnings = _finish(listing)
        commit, changed = _parse_status(_finish(difference)[0])
    tracked, gitlinks, others = _parse_names(names_output)
    if not tracked and not others and _run(root, config, "check-ignore", "-q", ".").returncode == 0:
        # The repository around it ignores it as a whole: then it is no part of that repository.
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


def _list_outside(root: Path, config: Sequence[tuple[str, str]]) -> Listing:
    """The same rules without a repository: an empty one elsewhere lends its eyes."""
    with tempfile.TemporaryDirectory(prefix="predeploy-git-") as directory:
        for name in ("objects", "refs"):
            (Path(directory) / name).mkdir()
        (Path(directory) / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        where = (f"--git-dir={directory}", f"--work-tree={root}")
        names = (*where, "ls-files", "-t", "-o", "--exclude-standard", "--exclude=/.predeploy", "-z")
        with _start(root, config, names) as listing:
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


def _is_inside_repository(root: Path, config: Sequence[tuple[str, str]]) -> bool:
    answer = _run(root, config, "rev-parse", "--is-inside-work-tree")
    if answer.returncode == 0:
        if answer.stdout.strip() == b"true":
            return True
        raise TreeError(f"{root} lies in git's own data, or in a repository without files. Name the stack's directory.")
    said = os.fsdecode(answer.stderr).strip()
    if OUTSIDE in said:
        return False
    raise TreeError(f"git cannot read the repository of {root}: {said}. Mend the repository, then run this again.")


def _read_config(root: Path) -> tuple[tuple[str, str], ...]:
    """Our own settings, the user's list of what is ignored everywhere, and every filter program switched off."""
    answer = _run(root, (), "config", "--list", "-z", "--includes", use_global=True)
    if answer.returncode:  # a mistake in the user's own file is nothing to us; the repository's may be right
        answer = _run(root, (), "config", "--list", "-z", "--includes")
    theirs = [item.partition("\n") for item in os.fsdecode(answer.stdout).split("\0")]
    filters = {name.rpartition(".")[0] for name, _, _ in theirs if name.startswith("filter.")}
    ignored = [("core.excludesFile", value) for name, _, value in theirs if name == "core.excludesfile"]
    off = [
        (f"{name}.{key}", value)
        for name in sorted(filters)
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    ]
    return (*OWN_CONFIG, *ignored[-1:], *off)


def _environment(config: Sequence[tuple[str, str]], *, use_global: bool) -> dict[str, str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    if not use_global:
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment["GIT_CONFIG_COUNT"] = str(len(config))
    for number, (name, value) in enumerate(config):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


@contextmanager
def _start(
    root: Path, config: Sequence[tuple[str, str]], arguments: Sequence[str], *, use_global: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    environment = _environment(config, use_global=use_global)
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (FileNotFoundError, PermissionError) as error:
        if not root.is_dir():
            raise UsageError(f"{root} is not a directory. Name the stack's directory.") from error
        text = (
            "git was not found on PATH, and only git knows which files belong to the stack. Install git 2.31 or newer."
        )
        raise UsageError(f"{text}.") from error
    with process:
        try:
            yield process
        finally:
            process.kill()


def _run(
    root: Path, config: Sequence[tuple[str, str]], *arguments: str, use_global: bool = False
) -> subprocess.CompletedProcess[bytes]:
    with _start(root, config, arguments, use_global=use_global) as process:
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _finish(process: subprocess.Popen[bytes]) -> tuple[bytes, tuple[str, ...]]:
    """What it said, and which directories it could not look into."""
    stdout, stderr = process.communicate()
    said = os.fsdecode(stderr).strip()
    if process.returncode:
        raise TreeError(f"git cannot list the files: {said}. Mend the repository, then run this again.")
    warnings = (line.removeprefix("warning: ") for line in said.splitlines() if "could not open directory" in line)
    return stdout, tuple(f"{line}. Make it readable, or let git ignore it." for line in warnings)


def _parse_names(output: bytes) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    """Tracked paths with their modes, submodules with their commits, and the others."""
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
