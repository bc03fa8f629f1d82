"""The prefetch starts what a plan needs at once, and no check occupies a job slot during an installation."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution.executor import Policy, Run
from tasks.execution.prefetch import warm
from tasks.execution.work import EngineWork
from tasks.exits import Prepared
from tasks.models import Stage
from tasks.steps import Check, Environment, Image
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import FakeEngine, Witness

IMAGE = Image(title="the image", dockerfile="Dockerfile")


class SlowInstaller(FakeEngine):
    """Installs only after `installed` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.installed = asyncio.Event()

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        await self.installed.wait()
        return await super().prepare(environment, log)


def make_run(engine: FakeEngine, logs: Path) -> Run:
    heavy = make_check("types", commands=(make_command("types", environment="development"),))
    plan = make_some_plan(heavy, make_check("links"))
    return Run(plan, EngineWork(plan, engine, make_lowering(), logs), Witness(), Policy(jobs=1, seconds={heavy.id: 99}))


async def test_check_that_waits_for_its_packages_holds_no_slot(tmp_path: Path) -> None:
    engine = SlowInstaller()
    run = make_run(engine, tmp_path)
    run.start()

    async with asyncio.timeout(5):
        assert (await run.execute("links[apps/web]")).passed
        assert engine.programs == ["links"]
        engine.installed.set()
        await run.wait()
    assert engine.programs == ["links", "types"]


async def test_stop_cancels_installations(tmp_path: Path) -> None:
    engine = SlowInstaller()
    run = make_run(engine, tmp_path)
    run.start()
    await asyncio.sleep(0)

    run.stop("interrupted", "interrupted by SIGINT")

    async with asyncio.timeout(5):
        await run.wait()
    assert [task.get_name() for task in asyncio.all_tasks() if "prepare" in repr(task)] == []


def image_check(image: Image = IMAGE) -> Check:
    commands = (
        make_command(),
        make_command(argv=(), environment="image"),
        make_command(argv=("true",), environment="image"),
    )
    return make_check("django_container", stage=Stage.BUILD, commands=commands, image=image)


@pytest.mark.parametrize(
    ("check", "warmed"),
    [
        (make_check("lint"), []),
        (make_check("migrate", database="template"), ["database", "migrated_apps_web_3b4e3efd_1"]),
        (image_check(), ["the image"]),
        (image_check(replace(IMAGE, dockerfile="")), []),
        (replace(image_check(), database="empty"), ["database", "django_container_apps_web_765ad9e2_1", "the image"]),
    ],
)
async def test_warm_starts_only_what_the_plan_needs(check: Check, warmed: list[str]) -> None:
    engine = FakeEngine()

    await warm(make_some_plan(check), engine, make_lowering())

    assert engine.warmed == warmed
    assert engine.ran == []


async def test_warm_ignores_a_database_that_does_not_start() -> None:
    engine = FakeEngine(no_database=True)

    await warm(make_some_plan(replace(image_check(), database="empty")), engine, make_lowering())

    assert engine.warmed[-1] == "the image"
