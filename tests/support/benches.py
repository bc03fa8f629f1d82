"""A small stack, and engines on it: what tests of any engine need."""

import functools
import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.engines.choice import EngineChoice
from tasks.engines.context import EngineContext
from tasks.engines.dagger.reach import RUNNER_HOST, SESSION_PORT, find_engine
from tasks.engines.opening import EngineConfig, make_engine
from tasks.engines.protocol import Engine
from tasks.exits import Exit
from tasks.source.tree import Tree, TreeFile, digest_of
from tasks.steps import Inputs, Step

# read before the variables are taken out of the environment of tests: only an engine that somebody named is used
GIVEN = {name: value for name, value in os.environ.items() if "DAGGER" in name}
OWN = ("postgres", "images", "resolved", "log")
"""The fields of EngineConfig."""
REASON = "a test asked for it"
GIVEN_CACHE = os.environ.get("PREDEPLOY_TEST_CACHE")


def tree_of(root: Path) -> Tree:
    """A tree of all files that lie there, without git."""
    files = {}
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        name, content = str(path.relative_to(root)), path.read_bytes()
        mode = 0o100755 if os.access(path, os.X_OK) else 0o100644
        files[name] = TreeFile(path=name, mode=mode, digest=hashlib.sha256(content).hexdigest(), size=len(content))
    return Tree(root=root, files=files, untracked=(), commit=None, changed=True, digest=digest_of(files))


@functools.cache
def unreachable() -> str:
    """Why there is no engine of containers to test on; empty where there is one."""
    if not (GIVEN.get(RUNNER_HOST) or GIVEN.get(SESSION_PORT)):
        return f"no Dagger engine is named ({RUNNER_HOST} or {SESSION_PORT})"
    return find_engine({**os.environ, **GIVEN}).trouble


def engines() -> list[str]:
    """The names of those that there are to test; `test_conformance.py` says why one is missing."""
    return ["local"] if unreachable() else ["local", "dagger"]


def cache_below(home: Path) -> Path:
    """The cache that slow tests share to spare downloads, in a home that they share or where the user keeps it."""
    return Path(GIVEN_CACHE) if GIVEN_CACHE else home / "engine-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A stack, where engines on it keep what they need, and the engine that `engine` makes.

    `name` says which engine, `slot` what its steps share unless they say otherwise.
    """

    root: Path
    base: Path
    cache: Path
    name: str = "local"
    slot: str = "slot"
    environ: Mapping[str, str] = field(default_factory=lambda: {**os.environ, **GIVEN})
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        """The log of steps."""
        return self.base / "logs" / f"{self.slot}.log"

    def engine_context(self, run_id: str = "test-run", **over: Any) -> EngineContext:
        options: dict[str, Any] = {
            "tree": tree_of(self.root),
            "cache": self.cache,
            "data": self.data,
            "run_id": f"{run_id}-{os.getpid()}-{time.monotonic_ns()}",
            "note": self.notes.append,
            "environ": self.environ,
        }
        return EngineContext(**(options | over))

    def engine(self, run_id: str = "test-run", **over: Any) -> Engine:
        """Not opened yet. `over` are fields of EngineContext, EngineConfig and EngineChoice."""
        config: dict[str, Any] = {"log": self.base / "dagger.log"}
        config |= {name: over.pop(name) for name in OWN if name in over}
        reach, reason = over.pop("reach", None), over.pop("reason", REASON)
        context = self.engine_context(run_id, **over)
        choice = EngineChoice(name="local", reason=reason, summary=reason)
        if self.name == "dagger":
            way = reach or find_engine(context.environ)
            choice = EngineChoice(name="dagger", reason=reason, summary=reason, reach=way)
        return make_engine(choice, context, EngineConfig(**config))

    def step(self, *argv: str, **over: Any) -> Step:
        options: dict[str, Any] = {"slot": self.slot, "cwd": ".", "inputs": Inputs(), "limit": 60.0}
        return Step(argv=argv, **(options | over))

    def written(self) -> str:
        return self.log.read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An engine that tests share, and the bench of one of them: its slot and its log are its own."""

    bench: Bench
    engine: Engine

    async def run(self, *argv: str, **over: Any) -> Exit:
        """Runs a step now: what an engine remembers of an earlier run would prove nothing."""
        return await self.engine.run(self.bench.step(*argv, **({"volatile": True} | over)), self.bench.log)


def hello(base: Path, *, name: str, cache: Path | None = None) -> Bench:
    """A bench whose stack has one file."""
    root = base / "stack"
    root.mkdir()
    (root / "hello.txt").write_text("hello\n")
    return Bench(root=root, base=base, cache=cache or base / "cache", name=name)
