"""Adds to an error about an absent file why a deploy lacks it: git ignores it, or its name is a little different."""

import difflib
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tasks.diagnostics.absent_files import absent_paths
from tasks.execution.findings import explained
from tasks.models import Diagnostic, Result, Status
from tasks.source.git import read_config, run_git
from tasks.source.tree import Tree
from tasks.steps import Check

SIMILAR, SHORTEST = 0.8, 5
"""How similar two names are of which one is a mistake, from 0 to 1; and the characters of a name that are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentFiles:
    """The files of a tree, and what lies next to them. `spelled` maps paths and folders in lower case to the tree's.

    `nearest` returns the path with a similar name in the same folder, or an empty text.
    """

    tree: Tree
    spelled: Mapping[str, str]
    nearest: Callable[[str], str]

    def explained(self, check: Check, result: Result) -> Result:
        """Returns a red result with the cause at each error about an absent file."""
        if result.status not in {Status.FAILED, Status.ERRORED}:
            return result
        return explained(result, (self._explained(each, check.component) for each in result.diagnostics))

    def _explained(self, finding: Diagnostic, component: str) -> Diagnostic:
        paths = absent_paths(finding, component)
        cause = next((cause for path in paths if (cause := self._cause(path))), "")
        if not cause and not any(path in self.tree.files for path in paths):
            meant = next((near for path in paths if (near := self.nearest(path))), "")
            cause = f"Did you mean {meant}?" if meant else ""
        return replace(finding, message=f"{finding.message.removesuffix('.')}. {cause}") if cause else finding

    def _cause(self, path: str) -> str:
        """Why a deploy lacks this path, or an empty text."""
        for present in self._present(path):
            if ignored := ignored_by(self.tree.root, present):
                return f"{present} lies here, but {ignored} keeps it out of git, so a deploy lacks it"
        other = self.spelled.get(path.lower())
        if other and other != path:
            return f"The tree has {other}: capitals count in production"
        return ""

    def _present(self, path: str) -> Iterator[str]:
        """Yields the path, or the paths that a pattern matches, if they are on the disk and not in the tree."""
        root = self.tree.root
        found = [os.path.relpath(each, root) for each in root.glob(path)] if "*" in path else [path]
        yield from (each for each in found if each not in self.tree.files and os.path.lexists(root / each))


def absent_files(tree: Tree) -> AbsentFiles:
    """Makes the lookup for a tree."""
    spelled: dict[str, str] = {}
    for path in tree.files:
        while path:
            spelled.setdefault(path.lower(), path)
            path = path.rpartition("/")[0]  # noqa: PLW2901
    return AbsentFiles(tree=tree, spelled=spelled, nearest=nearest_of(spelled.values()))


def nearest_of(paths: Iterable[str]) -> Callable[[str], str]:
    """Returns the lookup of similar names among files and folders."""
    names: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        names[posixpath.dirname(path)].append(posixpath.basename(path))

    @cache
    def nearest(path: str) -> str:
        folder, name = posixpath.split(path)
        known = names.get(folder, ()) if len(name) >= SHORTEST else ()
        found = difflib.get_close_matches(name, known, n=1, cutoff=SIMILAR)
        return posixpath.join(folder, found[0]) if found else ""

    return nearest


def ignored_by(root: Path, path: str) -> str:
    """Returns the place and the pattern that make git ignore a path: `.gitignore:9 (lib/)`; empty if git does not."""
    answer = run_git(root, read_config(root), "check-ignore", "-v", "--", path)
    found = re.match(r"(?P<place>[^:\n]+:\d+):(?P<pattern>[^\t]+)\t", os.fsdecode(answer.stdout))
    return f"{found['place']} ({found['pattern']})" if found and answer.returncode == 0 else ""
