"""The export of directories that a step made in its workspace."""

from pathlib import Path

import pytest

from tasks.errors import EngineError
from tasks.steps import OUT, WORK
from tests.support.benches import Bench

pytestmark = pytest.mark.asyncio

BUILD = (
    f"mkdir -p dist/deep {OUT}/bundle; echo page > dist/deep/page; ln -s deep/page dist/link; echo js > {OUT}/bundle/js"
)


async def test_directories_of_a_workspace_are_exported_unchanged(bench: Bench, tmp_path: Path) -> None:
    step = bench.step("sh", "-c", BUILD, begins=True)
    async with bench.engine() as engine:
        assert (await engine.run(step, bench.log)).code == 0
        await engine.export_directory(step, f"{WORK}/dist", tmp_path / "pages")
        await engine.export_directory(step, f"{OUT}/bundle", tmp_path / "bundle")
        with pytest.raises(EngineError, match="@work@/nowhere could not be"):
            await engine.export_directory(step, f"{WORK}/nowhere", tmp_path / "nothing")

    assert (tmp_path / "pages/deep/page").read_text() == "page\n"
    assert str((tmp_path / "pages/link").readlink()) == "deep/page"
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["js"]
