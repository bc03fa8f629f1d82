"""Small trees and the keys of checks on them, without files on a disk."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tasks.execution.reuse.keys import CheckKey, KeyFacts, keys_of
from tasks.planning.plan import Plan
from tasks.source.selection import select
from tasks.source.tree import FILE, PROGRAM, SYMLINK, Tree, TreeFile, digest_of
from tasks.steps import Inputs
from tests.support.factories import make_lowering


def make_file(path: str, content: str = "", mode: int = FILE) -> TreeFile:
    """A file of a tree. Of a symlink, the content is the target."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return TreeFile(path=path, mode=mode, digest=digest, size=len(content))


def make_tree(files: Mapping[str, TreeFile]) -> Tree:
    """A tree of these files."""
    ordered = dict(files)
    return Tree(root=Path("/stack"), files=ordered, untracked=(), commit=None, changed=False, digest=digest_of(ordered))


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that a key may depend on. `over` replaces facts of the keys."""

    files: Mapping[str, TreeFile]
    plan: Plan
    secrets: Mapping[str, str] = field(default_factory=dict)
    over: Mapping[str, Any] = field(default_factory=dict)

    def keys(self) -> dict[str, CheckKey]:
        """The keys of the plan's checks."""
        tree = make_tree(self.files)

        def of_file(path: str) -> str:
            return tree.files[path].digest if path in tree.files else ""

        def of_inputs(inputs: Inputs) -> str:
            return digest_of(select(tree, inputs))

        lowering = replace(make_lowering(), digest=of_file, day=self.over.get("day", "2026-11-30"))
        facts = KeyFacts(
            predeploy="1",
            engine="local 1 Linux x86_64",
            machine="m",
            settings="s",
            files=of_inputs,
            lowering=replace(lowering, base=lowering),
            base="deployed",
            secret=lambda name: self.secrets.get(name, ""),
            day="2026-11-30",
        )
        return keys_of(self.plan, replace(facts, **self.over))

    def changed(self, other: "World") -> set[str]:
        """The names of the checks whose keys differ from those in another world."""
        mine, theirs = self.keys(), other.keys()
        return {check.name for check in self.plan.checks if mine[check.id].key != theirs[check.id].key}


__all__ = ["FILE", "PROGRAM", "SYMLINK", "World", "make_file", "make_tree"]
