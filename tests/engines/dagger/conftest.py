"""Fixtures: a small stack with a container engine if one is in reach, and a fake session."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tasks.engines.dagger import execution, session
from tests.engines.dagger.fake_session import FakeSession
from tests.support.benches import Bench, hello


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="dagger")


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[FakeSession]:
    # the client loads the system's certificates for every session; this session needs none
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with FakeSession() as fake:
        yield fake


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the time limits from minutes to moments."""
    monkeypatch.setattr(session, "PULSE", 0.05)
    monkeypatch.setattr(session, "PULSE_LIMIT", 0.3)
    monkeypatch.setattr(session, "HUNG", 1.0)
    monkeypatch.setattr(session, "CLOSE_LIMIT", 0.3)
    monkeypatch.setattr(session, "LOST_CLOSE_LIMIT", 0.3)
    monkeypatch.setattr(execution, "GRACE", 0.2)
