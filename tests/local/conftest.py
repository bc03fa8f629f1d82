"""A small stack and an engine on it, with a cache that slow tests share to spare downloads."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tasks.stack import Version
from tasks.steps import ENV, WORK, Command, Environment
from tests.benches import Bench, hello

# read before the variables of the project are taken out of the environment of tests
GIVEN_CACHE = os.environ.get("PREDEPLOY_TEST_CACHE")
LOCKED = Path(__file__).parent / "locked"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="local")


@pytest.fixture(scope="session")
def shared_cache(shared_home: Path) -> Path:
    return Path(GIVEN_CACHE) if GIVEN_CACHE else shared_home / "engine-cache"


@pytest.fixture
def locked(tmp_path: Path, shared_cache: Path) -> Bench:
    """A stack with packages locked for Python and for Node."""
    root = tmp_path / "stack"
    shutil.copytree(LOCKED, root)
    return Bench(root=root, base=tmp_path, cache=shared_cache)


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
