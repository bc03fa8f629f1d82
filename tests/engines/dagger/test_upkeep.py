"""Maintenance of an engine's cache: a real engine prunes what exceeds the limit, and nothing below it."""

import os
from pathlib import Path

import pytest

from tasks.engines.dagger.prune import prune_engine
from tasks.engines.dagger.reach import RUNNER_HOST
from tasks.engines.dagger.session import open_session
from tasks.redaction.redactor import NOTHING
from tests.support.benches import GIVEN, unreachable

MB = 1 << 20
on_an_engine = pytest.mark.skipif(bool(unreachable()), reason=unreachable() or "there is one")


@pytest.mark.real
@on_an_engine
async def test_engine_reports_the_size_of_its_cache(tmp_path: Path) -> None:
    await fill({**os.environ, **GIVEN}, tmp_path, 1)

    kept = await prune_engine({**os.environ, **GIVEN}, tmp_path / "engine.log", 1 << 50)

    assert not kept.undone
    assert kept.before
    assert kept.after


@pytest.mark.real
@pytest.mark.slow  # other users of the engine lose their least recently used entries
@on_an_engine
async def test_an_engine_keeps_to_a_limit_below_what_its_own_policy_reserves(tmp_path: Path) -> None:
    environ, log = {**os.environ, **GIVEN}, tmp_path / "engine.log"
    await fill(environ, tmp_path, 4)
    full = await prune_engine(environ, log, 1 << 50)
    assert full.before is not None
    assert full.before > 4 * 8 * MB

    limit = full.before - 8 * MB
    kept = await prune_engine(environ, log, limit)

    assert kept.after is not None
    assert kept.after <= limit, kept.summary
    again = await prune_engine(environ, log, limit)
    assert again.after == again.before == kept.after, "what is small enough stays as it is"


async def fill(environ: dict[str, str], place: Path, entries: int) -> None:
    """Leaves that many directories of 8 MB in the cache, which no session uses."""
    session = await open_session(environ, place / "fill.log", NOTHING, limit=60)
    try:
        for number in range(entries):
            source = place / f"entry-{number}"
            source.mkdir()
            (source / "file").write_bytes(os.urandom(8 * MB))
            copied = session.client.directory().with_directory("/", session.client.host().directory(str(source)))
            await session.ask(copied.sync())
    finally:
        await session.close()


async def test_maintenance_starts_no_engine(tmp_path: Path) -> None:
    environ = {RUNNER_HOST: "tcp://127.0.0.1:9"}

    kept = await prune_engine(environ, tmp_path / "engine.log", 1 << 50)

    assert "no Dagger engine at tcp://127.0.0.1:9" in kept.undone
    assert kept.summary.startswith("Dagger engine: left as it is: no Dagger engine")
