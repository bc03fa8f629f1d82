"""Every check of the integration stage lives by its database: where that is taken away, no check is green."""

import os
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

import tasks.engines.dagger.engine
import tasks.engines.opening
from tasks.engines.dagger.engine import DaggerEngine
from tasks.engines.local.engine import LocalEngine
from tasks.exits import Exit
from tasks.models import Stage, Status
from tasks.planning.lowering import slot_of
from tasks.steps import Step
from tasks.user_dirs import UserDirs
from tests.support.benches import GIVEN, engines
from tests.support.validate import Validator, commit, copy_sample, shared_cache, told

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.slow]
VICTIMS = (
    *((name, 0) for name in ("migrate", "migrations_missing", "migration_check", "django_check", "django_health")),
    ("worker_health", 0),
    *(("intake_e2e", number) for number in (0, 1)),
    *(("migrate_upgrade", number) for number in (0, 1)),
)


class Theft:
    """Which command of which check loses its database, just before it begins."""

    def __init__(self, slots: set[str], number: int) -> None:
        self.slots, self.number = slots, number
        self.stolen: list[str] = []
        self._seen: list[Step] = []

    def concerns(self, step: Step) -> bool:
        """Is it that command's, tried a second time as well?"""
        if step.database is None or step.slot not in self.slots:
            return False
        self._seen += [] if step in self._seen else [step]
        return self._seen.index(step) % (self.number + 1) == self.number


def dropped(name: str) -> str:
    return f'DROP DATABASE "{name}" WITH (FORCE)'


def thieves(theft: Theft) -> dict[str, type]:
    """Engines on which it happens."""

    class LocalThief(LocalEngine):
        async def run(self, step: Step, log: Path) -> Exit:
            if theft.concerns(step) and step.database is not None:
                await self._databases.values(step.database, log)
                server = await self._databases.start(log)
                assert server._admin is not None
                await server._admin.execute(sql.SQL(dropped(step.database.name)))
                theft.stolen.append(step.database.name)
            return await super().run(step, log)

    class DaggerThief(DaggerEngine):
        async def run(self, step: Step, log: Path) -> Exit:
            if theft.concerns(step) and step.database is not None:
                await self._resources.postgres.bind(self._resources.client.container(), step.database)
                await self._resources.postgres._query(dropped(step.database.name))
                theft.stolen.append(step.database.name)
            return await super().run(step, log)

    return {"local": LocalThief, "dagger": DaggerThief}


@pytest.fixture
def cafe(tmp_path: Path) -> Path:
    copy_sample(tmp_path / "cafe")
    commit(tmp_path / "cafe")
    return tmp_path / "cafe"


@pytest.mark.parametrize("engine", engines())
def test_every_check_of_the_stage_is_among_them(engine: str, cafe: Path, shared_home: Path, tmp_path: Path) -> None:
    report = Validator(
        user_dirs=UserDirs(cache=shared_cache(shared_home), data=tmp_path / "data"),
        environ={**os.environ, **GIVEN, "PREDEPLOY_ENGINE": engine},
    ).validate(cafe, stages=["integration"])

    assert report.verdict.exit_code == 0, told(report)
    assert {check.name for check in report.checks if check.stage is Stage.INTEGRATION} == {name for name, _ in VICTIMS}


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize(("name", "number"), VICTIMS)
def test_a_check_without_its_database_is_not_green(
    engine: str, name: str, number: int, cafe: Path, shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theft = Theft(set(), number)
    thief: Any = thieves(theft)[engine]
    monkeypatch.setattr(tasks.engines.opening, "LocalEngine", thief)
    monkeypatch.setattr(tasks.engines.dagger.engine, "DaggerEngine", thief)
    validator = Validator(
        user_dirs=UserDirs(cache=shared_cache(shared_home), data=tmp_path / "data"),
        environ={**os.environ, **GIVEN, "PREDEPLOY_ENGINE": engine},
    )

    def begun(run: Any) -> None:
        check = next(each for each in run.checks if each.name == name)
        theft.slots |= {slot_of(check), *(slot_of(check, command) for command in check.commands)}

    report = validator.validate(cafe, begun=begun, only=[name])

    result = next(check.result for check in report.checks if check.name == name)
    print(told(report))  # noqa: T201 - what a failing row shows
    assert theft.stolen
    assert result.status in {Status.FAILED, Status.ERRORED}
    assert report.verdict.exit_code in {1, 3}
