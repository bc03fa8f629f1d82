"""Fixtures: a small stack and an engine on it, with a cache that slow tests share to avoid downloads."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.steps import Environment
from tests.engines.conformance import packages
from tests.support.benches import Bench, cache_below, hello


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="local")


@pytest.fixture(scope="session")
def shared_cache(shared_home: Path) -> Path:
    return cache_below(shared_home)


@pytest.fixture
def locked(tmp_path: Path, shared_cache: Path) -> Bench:
    """A stack with packages locked for Python and for Node."""
    root = tmp_path / "stack"
    shutil.copytree(packages.LOCKED, root)
    return Bench(root=root, base=tmp_path, cache=shared_cache)


@pytest.fixture
def node_packages() -> Callable[..., Environment]:
    """The node_modules of the locked pnpm workspace."""
    return packages.node_packages


@pytest.fixture
def running() -> Callable[[str], list[int]]:
    """The processes with a text in their environment."""

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
