"""Nobody holds a place while packages are being installed."""

import asyncio
from pathlib import Path

from tasks.execution.executor import Policy, Run
from tasks.execution.work import EngineWork
from tasks.exits import Prepared
from tasks.steps import Environment
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import FakeEngine, Witness


class SlowInstaller(FakeEngine):
    """Installs only when it is told to."""

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


async def test_a_check_that_waits_for_its_packages_lets_others_go_first(tmp_path: Path) -> None:
    engine = SlowInstaller()
    run = make_run(engine, tmp_path)
    run.start()

    async with asyncio.timeout(5):
        assert (await run.execute("links[apps/web]")).passed
        assert engine.programs == ["links"]
        engine.installed.set()
        await run.wait()
    assert engine.programs == ["links", "types"]


async def test_a_stopped_run_ends_its_installations(tmp_path: Path) -> None:
    engine = SlowInstaller()
    run = make_run(engine, tmp_path)
    run.start()
    await asyncio.sleep(0)

    run.stop("interrupted", "interrupted by SIGINT")

    async with asyncio.timeout(5):
        await run.wait()
    assert [task.get_name() for task in asyncio.all_tasks() if "prepare" in repr(task)] == []
