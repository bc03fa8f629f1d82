"""Which engine a run opens, and its fallback if that one cannot be opened."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.choice import EngineChoice
from tasks.engines.local.engine import LocalEngine
from tasks.engines.opening import EngineConfig, make_engine, open_engine
from tasks.errors import EngineError
from tasks.trust import UNTRUSTED
from tests.engines.dagger.fake_session import write_cli
from tests.support.benches import Bench, hello


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="local")


async def test_the_engine_gives_the_reason_of_its_choice(bench: Bench, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        engine = await open_engine(stack, "local", bench.engine_context(), EngineConfig(log=tmp_path / "dagger.log"))

        assert isinstance(engine, LocalEngine)
        assert "chosen by the engine setting" in engine.facts.reason


@pytest.mark.parametrize("asked", ["auto", "dagger"])
async def test_only_auto_replaces_an_engine_that_cannot_be_opened(bench: Bench, tmp_path: Path, asked: str) -> None:
    environ = write_cli(tmp_path / "dagger", "sys.exit('Error: it is broken')")
    context = replace(bench.engine_context(), environ=environ)

    async with contextlib.AsyncExitStack() as stack:
        if asked == "dagger":
            with pytest.raises(EngineError, match="it is broken"):
                await open_engine(stack, asked, context, EngineConfig(log=tmp_path / "dagger.log"))
            return
        engine = await open_engine(stack, asked, context, EngineConfig(log=tmp_path / "dagger.log"))

        assert engine.facts.name == "local"
        assert "it is broken" in engine.facts.reason
        assert [note for note in bench.notes if note.startswith("no containers: ")]


def test_the_embedded_engine_does_not_run_untrusted_code(bench: Bench, tmp_path: Path) -> None:
    context = replace(bench.engine_context(), trust=UNTRUSTED)

    with pytest.raises(EngineError, match="not trusted") as raised:
        make_engine(
            EngineChoice(name="local", reason="", summary=""), context, EngineConfig(log=tmp_path / "dagger.log")
        )

    assert raised.value.reason_code == "engine_absent"
