"""A small stack and an engine on it, with a cache that slow tests share to spare downloads."""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local.engine import LocalEngine
from tasks.stack import Version
from tasks.steps import ENV, WORK, Command, Environment, Inputs, Step
from tasks.tree import Tree, TreeFile, digest_of

# read before the variables of the project are taken out of the environment of tests
GIVEN_CACHE = os.environ.get("PREDEPLOY_TEST_CACHE")
LOCKED = Path(__file__).parent / "locked"


def tree_of(root: Path) -> Tree:
    """A tree of all files that lie there, without git."""
    files = {}
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        name, content = str(path.relative_to(root)), path.read_bytes()
        mode = 0o100755 if os.access(path, os.X_OK) else 0o100644
        files[name] = TreeFile(path=name, mode=mode, digest=hashlib.sha256(content).hexdigest(), size=len(content))
    return Tree(root=root, files=files, untracked=(), commit=None, changed=True, digest=digest_of(files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A stack, and where engines on it keep what they need."""

    root: Path
    cache: Path
    data: Path
    log: Path
    notes: list[str] = field(default_factory=list)

    def engine(self, run_id: str = "test-run", **over: Any) -> LocalEngine:
        options: dict[str, Any] = {
            "tree": tree_of(self.root),
            "cache": self.cache,
            "data": self.data,
            "run_id": f"{run_id}-{os.getpid()}-{time.monotonic_ns()}",
            "reason": "a test asked for it",
            "note": self.notes.append,
            "environ": dict(os.environ),
        }
        return LocalEngine(**(options | over))

    def step(self, *argv: str, **over: Any) -> Step:
        options: dict[str, Any] = {"slot": "slot", "cwd": ".", "inputs": Inputs(), "limit": 60.0}
        return Step(argv=argv, **(options | over))

    def written(self) -> str:
        return self.log.read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    root = tmp_path / "stack"
    root.mkdir()
    (root / "hello.txt").write_text("hello\n")
    return Bench(root=root, cache=tmp_path / "cache", data=tmp_path / "data", log=tmp_path / "logs/check.log")


@pytest.fixture(scope="session")
def shared_cache(shared_home: Path) -> Path:
    return Path(GIVEN_CACHE) if GIVEN_CACHE else shared_home / "engine-cache"


@pytest.fixture
def locked(tmp_path: Path, shared_cache: Path) -> Bench:
    """A stack with packages locked for Python and for Node."""
    root = tmp_path / "stack"
    shutil.copytree(LOCKED, root)
    return Bench(root=root, cache=shared_cache, data=tmp_path / "data", log=tmp_path / "logs/check.log")


def key_of(bench: Bench, inputs: tuple[str, ...], *more: str) -> str:
    content = [(bench.root / path).read_bytes() for path in inputs]
    return "test-" + hashlib.sha256(repr((content, more)).encode()).hexdigest()[:16]


@pytest.fixture
def python_packages() -> Callable[..., Environment]:
    """A virtual environment from the locked requirements."""

    def make(bench: Bench, **over: Any) -> Environment:
        inputs = ("requirements.lock",)
        install = ("uv", "pip", "install", "--python", ENV, "--require-hashes", "-r", f"{WORK}/requirements.lock")
        options: dict[str, Any] = {
            "kind": "python",
            "title": "production dependencies of .",
            "root": ".",
            "version": Version(),
            "inputs": inputs,
            "commands": (
                Command(argv=("uv", "venv", "--allow-existing", ENV), label="uv venv", phase="acquire"),
                Command(argv=install, label="uv pip install", phase="acquire", env=(("UV_COMPILE_BYTECODE", "1"),)),
            ),
            "control": (
                "uv",
                "pip",
                "install",
                "--dry-run",
                "--no-cache",
                "--no-deps",
                "--target",
                "gone",
                "packaging",
            ),
            "key": key_of(bench, inputs),
        }
        return Environment(**(options | over))

    return make


@pytest.fixture
def node_packages() -> Callable[..., Environment]:
    """The node_modules of the locked pnpm workspace."""

    def make(bench: Bench, **over: Any) -> Environment:
        inputs = tuple(
            sorted(
                str(path.relative_to(bench.root))
                for pattern in ("**/package.json", "pnpm-*.yaml")
                for path in bench.root.glob(pattern)
            )
        )
        argv = ("pnpm", "install", "--frozen-lockfile", "--reporter=append-only")
        options: dict[str, Any] = {
            "kind": "node",
            "title": "packages of .",
            "root": ".",
            "version": Version(wanted=">=20", source="package.json"),
            "inputs": inputs,
            "commands": (Command(argv=argv, label="pnpm install", phase="acquire"),),
            "control": ("npm", "view", "semver", "version", "--prefer-online"),
            "key": key_of(bench, inputs),
            "manager": "pnpm@10.34.9",
        }
        return Environment(**(options | over))

    return make


@pytest.fixture
def running() -> Callable[[str], list[int]]:
    """The processes that carry a text in their environment."""

    def find(text: str) -> list[int]:
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if text.encode() in place.read_bytes():
                    found.append(int(place.parent.name))
        return found

    return find


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for something to become true."""

    async def wait(condition: Callable[[], object]) -> None:
        for _ in range(3000):
            if condition():
                return
            await asyncio.sleep(0.01)
        pytest.fail("it did not become true within half a minute")

    return wait
