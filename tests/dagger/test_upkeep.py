"""Upkeep of an engine's cache: a real engine prunes nothing below a limit that it does not reach."""

from pathlib import Path

import pytest

from tasks.engines.dagger.reach import RUNNER_HOST
from tasks.engines.dagger.upkeep import keep_engine
from tests.benches import GIVEN, unreachable


@pytest.mark.real
@pytest.mark.skipif(bool(unreachable()), reason=unreachable() or "there is one")
async def test_an_engine_says_how_large_its_cache_is(tmp_path: Path) -> None:
    import os

    kept = await keep_engine({**os.environ, **GIVEN}, tmp_path / "engine.log", 1 << 50)

    assert not kept.undone
    assert kept.before
    assert kept.after


async def test_without_an_engine_none_is_started(tmp_path: Path) -> None:
    environ = {RUNNER_HOST: "tcp://127.0.0.1:9"}

    kept = await keep_engine(environ, tmp_path / "engine.log", 1 << 50)

    assert "no Dagger engine at tcp://127.0.0.1:9" in kept.undone
    assert kept.said.startswith("Dagger engine: left as it is: no Dagger engine")
