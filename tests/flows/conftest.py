"""Fixtures: one real server for all tests that only use it, and homes for tests that change one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.prefect_server import ServerHandle, stop_server
from tests.flows.harness import Places, servers_below
from tests.support.prefect_database import give_template


@pytest.fixture(scope="session")
def shared_places(tmp_path_factory: pytest.TempPathFactory, prefect_template: Path) -> Places:
    """A home with a server that every test may use, and that no test may stop or change."""
    root = tmp_path_factory.mktemp("prefect")
    give_template(prefect_template, root / "cache")
    return Places(data=root / "data", cache=root / "cache")


@pytest.fixture(scope="session")
def server(shared_places: Places) -> Iterator[ServerHandle]:
    """A server on a fresh home."""
    handle = shared_places.start()
    yield handle
    stop_server(handle)


@pytest.fixture
def user_dirs(server: ServerHandle, shared_places: Places, tmp_path: Path) -> Iterator[Places]:
    """The test's own home, quick to set up. Its server is stopped even if the test fails."""
    user_dirs = Places(data=tmp_path / "data", cache=shared_places.cache)
    yield user_dirs
    for pid in servers_below(user_dirs.data):
        os.kill(pid, signal.SIGKILL)
