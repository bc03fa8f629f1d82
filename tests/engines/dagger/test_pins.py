"""Base images that are resolved before any engine of a run is opened."""

from typing import Any

import pytest

from tasks.engines.dagger.pins import resolve, wanted_by
from tasks.errors import EngineError
from tasks.models import Stage
from tasks.steps import Check
from tests.support.benches import unreachable
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan

LINT = make_check("lint", commands=(make_command("lint", environment="development"),))
BUNDLE = make_check("bundle", path="workers/intake", commands=(make_command("bundle", environment="node"),))
MIGRATE = make_check("migrate", stage=Stage.INTEGRATION, database="template")
ALWAYS = {("python", "3.13"), ("uv", "")}


@pytest.mark.parametrize(
    ("checks", "wanted"),
    [
        ([make_check("words")], set()),
        ([LINT], {("python", "3.13")}),
        ([LINT, MIGRATE], {("postgres", "")}),
        ([LINT, BUNDLE], {("node", "22")}),
    ],
)
def test_images_are_those_of_the_plan(checks: list[Check], wanted: set[tuple[str, str]]) -> None:
    assert {*wanted_by(make_some_plan(*checks), make_lowering())} == ALWAYS | wanted


@pytest.mark.real
@pytest.mark.network
@pytest.mark.skipif(bool(unreachable()), reason=unreachable())
async def test_engine_uses_the_resolved_image(bench: Any) -> None:
    bench.log.parent.mkdir(parents=True, exist_ok=True)
    resolved = await resolve([("python", "3.13"), ("python", "3.99")], bench.environ, {}, bench.log)
    (tag,) = resolved

    async with bench.engine(resolved=resolved) as engine:
        first = await engine.run(bench.step("python", "--version"), bench.log)
    # this image does not exist: the engine used the resolved one
    async with bench.engine(resolved={tag: resolved[tag][:-6] + "000000"}) as other:
        second = await other.run(bench.step("python", "--version"), bench.log)

    assert "@sha256:" in resolved[tag]
    assert (first.code, engine.facts.images) == (0, tuple(resolved.items()))
    assert second.code != 0


@pytest.mark.real
@pytest.mark.network
@pytest.mark.skipif(bool(unreachable()), reason=unreachable())
async def test_identity_has_the_digest_of_each_image_and_the_platform(bench: Any) -> None:
    bench.log.parent.mkdir(parents=True, exist_ok=True)
    asked = "docker.io/library/python:3.13-slim"
    async with bench.engine() as engine:
        found = await engine.identify([], [asked], has_database=False)
        with pytest.raises(EngineError, match=r"python:3\.99 is not available"):
            await engine.identify([], ["docker.io/library/python:3.99"], has_database=False)

    assert found["platform"].startswith("linux/")
    assert all("@sha256:" in reference for name, reference in found.items() if name != "platform")
    assert found[asked].startswith(asked.partition(":")[0])
