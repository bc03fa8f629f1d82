"""Fixtures: one real server for all tests that only use it, and homes for tests that change one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.prefect_server import ServerHandle
from tests.flows.harness import Places, places_in, servers_below


@pytest.fixture(scope="session")
def shared_places(warm_home: Path) -> Places:
    """A home with a server that every test may use, and that no test may stop or change."""
    return places_in(warm_home)


@pytest.fixture(scope="session")
def server(shared_places: Places) -> ServerHandle:
    """The server of the shared home."""
    return shared_places.ensure()


@pytest.fixture
def user_dirs(server: ServerHandle, shared_places: Places, tmp_path: Path) -> Iterator[Places]:
    """The test's own home, quick to set up. Its server is stopped even if the test fails."""
    user_dirs = Places(data=tmp_path / "data", cache=shared_places.cache)
    yield user_dirs
    for pid in servers_below(user_dirs.data):
        os.kill(pid, signal.SIGKILL)
