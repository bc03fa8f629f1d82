"""Adds to an error about an absent file why a deploy lacks it: git ignores it, or its name has other capitals."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.diagnostics.absent_files import absent_paths
from tasks.models import Diagnostic, Result, Status
from tasks.source.git import read_config, run_git
from tasks.source.tree import Tree
from tasks.steps import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentFiles:
    """The files of a tree, and what lies next to them. `spelled` maps paths and folders in lower case to the tree's."""

    tree: Tree
    spelled: Mapping[str, str]

    def explained(self, check: Check, result: Result) -> Result:
        """Returns a red result with the cause at each error about an absent file."""
        if result.status not in {Status.FAILED, Status.ERRORED}:
            return result
        found = tuple(self._explained(each, check.component) for each in result.diagnostics)
        reason = result.reason
        for before, after in zip(result.diagnostics, found, strict=True):
            if before != after and before.message and before.message in reason:
                reason = reason.replace(before.message, after.message)
        return replace(result, diagnostics=found, reason=reason)

    def _explained(self, finding: Diagnostic, component: str) -> Diagnostic:
        paths = absent_paths(finding, component)
        cause = next((cause for path in paths if (cause := self._cause(path))), "")
        return replace(finding, message=f"{finding.message}. {cause}") if cause else finding

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
    return AbsentFiles(tree=tree, spelled=spelled)


def ignored_by(root: Path, path: str) -> str:
    """Returns the place and the pattern that make git ignore a path: `.gitignore:9 (lib/)`; empty if git does not."""
    answer = run_git(root, read_config(root), "check-ignore", "-v", "--", path)
    found = re.match(r"(?P<place>[^:\n]+:\d+):(?P<pattern>[^\t]+)\t", os.fsdecode(answer.stdout))
    return f"{found['place']} ({found['pattern']})" if found and answer.returncode == 0 else ""
