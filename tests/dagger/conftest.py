"""A small stack and an engine of containers on it, where one is in reach."""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.dagger.engine import DaggerEngine
from tasks.engines.dagger.reach import RUNNER_HOST, SESSION_PORT, find_engine
from tasks.secrets import NO_SECRETS
from tasks.steps import Inputs, Step
from tasks.tree import Tree, TreeFile, digest_of

# read before the variables are taken out of the environment of tests: only an engine that somebody named is used
GIVEN = {name: value for name, value in os.environ.items() if "DAGGER" in name}


def tree_of(root: Path) -> Tree:
    """A tree of all files that lie there, without git."""
    files = {}
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        name, content = str(path.relative_to(root)), path.read_bytes()
        files[name] = TreeFile(path=name, mode=0o100644, digest=hashlib.sha256(content).hexdigest(), size=len(content))
    return Tree(root=root, files=files, untracked=(), commit=None, changed=True, digest=digest_of(files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A stack, and where engines on it keep what they need."""

    root: Path
    base: Path
    log: Path
    environ: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def engine(self, **over: Any) -> DaggerEngine:
        options: dict[str, Any] = {
            "tree": tree_of(self.root),
            "cache": self.base / "cache",
            "data": self.base / "data",
            "run_id": f"test-{os.getpid()}-{time.monotonic_ns()}",
            "reason": "a test asked for it",
            "note": self.notes.append,
            "environ": self.environ,
            "log": self.base / "dagger.log",
            "secrets": NO_SECRETS,
        }
        return DaggerEngine(**(options | over))

    def step(self, *argv: str, **over: Any) -> Step:
        options: dict[str, Any] = {"slot": "slot", "cwd": ".", "inputs": Inputs(), "limit": 60.0}
        return Step(argv=argv, **(options | over))


def unreachable() -> str:
    """Why there is no engine to test on; empty where there is one."""
    if not (GIVEN.get(RUNNER_HOST) or GIVEN.get(SESSION_PORT)):
        return f"no Dagger engine is named ({RUNNER_HOST} or {SESSION_PORT})"
    return find_engine({**os.environ, **GIVEN}).trouble


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root = tmp_path / "stack"
    root.mkdir()
    (root / "hello.txt").write_text("hello\n")
    return Bench(root=root, base=tmp_path, log=tmp_path / "logs/check.log", environ={**os.environ, **GIVEN})
