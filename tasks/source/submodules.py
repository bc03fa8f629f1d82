"""Submodules: which of a repository's gitlinks a clone can fill, and what to do about the others.

A gitlink is an entry of git's index that names a commit of another repository. A clone fills it only if `.gitmodules`
names its path and its URL; otherwise the deploy gets an empty directory.
"""

import os
import shlex
from collections.abc import Collection
from pathlib import Path

from tasks.source.git import OWN_CONFIG, ask_git, run_git

DECLARATIONS = ".gitmodules"


def undeclared_gitlinks(root: Path, gitlinks: Collection[str]) -> frozenset[str]:
    """Returns the gitlinks below `root` that the repository's `.gitmodules` does not name. Paths are below `root`."""
    if not gitlinks:
        return frozenset()
    top, prefix = (ask_git(root, "rev-parse", asked) for asked in ("--show-toplevel", "--show-prefix"))
    asked = ("config", "--file", f"{top}/{DECLARATIONS}", "-z", "--get-regexp", r"^submodule\..*\.path$")
    declared = os.fsdecode(run_git(root, OWN_CONFIG, *asked).stdout).split("\0")
    paths = {os.path.normpath(entry.partition("\n")[2]) for entry in declared if entry}
    return frozenset(path for path in gitlinks if prefix + path not in paths)


def undeclared_problem(path: str) -> str:
    """Returns the sentence about a gitlink that no clone can fill, with the commands for both ways out."""
    quoted = shlex.quote(path)
    return (
        f"{path}: git records a commit of another repository here, and {DECLARATIONS} does not name it, so a clone "
        f"gets an empty directory. To keep it as a submodule, run `git rm --cached {quoted}` and "
        f"`git submodule add URL {quoted}`. To keep its files, delete {quoted}/.git, run `git rm --cached {quoted}` "
        f"and `git add {quoted}`."
    )


def missing_problem(path: str) -> str:
    """Returns the sentence about a declared submodule without a checkout."""
    text = f"{path}: the submodule is not checked out, so its files are missing"
    return f"{text}. Run `git submodule update --init --recursive`."
