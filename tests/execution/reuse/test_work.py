"""A run with a store: what runs, what is kept, and what a failure or an edit does to it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.execution.executor import Policy, Run
from tasks.execution.reuse.decision import choose_reused
from tasks.execution.reuse.keys import WEEK, CheckKey
from tasks.execution.reuse.store import ResultStore
from tasks.execution.reuse.work import Reuse, ReusingWork
from tasks.exits import Exit
from tasks.models import Result, Status
from tasks.redaction.redactor import NOTHING, Redactor
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import FakeEngine, Witness

LINT, TESTS = make_check("lint"), make_check("tests")
NEEDY = make_check("needy", needs=(LINT.id,))
RED = Exit(code=1, stdout="a finding")


class Machine:
    """Runs plans with one store. `content` is the part of the keys that an edit changes."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.store = ResultStore(base=base / "results", secret=b"s" * 32)
        self.content = "1"
        self.edited: frozenset[str] = frozenset()
        self.redactor: Redactor = NOTHING
        self.runs = 0
        self.keys: Mapping[str, str] = {}

    def run(self, engine: FakeEngine, *checks: object, fresh: bool = False) -> Mapping[str, Result]:
        return asyncio.run(self._run(engine, fresh, *checks))

    async def _run(self, engine: FakeEngine, fresh: bool, *checks: object) -> Mapping[str, Result]:
        plan = make_some_plan(*checks)  # type: ignore[arg-type]
        self.runs += 1
        logs = self.base / f"logs-{self.runs}"
        logs.mkdir()
        keys = {check.id: CheckKey(parts={"id": check.id, "files": self.content}) for check in plan.checks}
        flaky = {check_id for check_id, each in keys.items() if self.store.is_flaky(each.key)}
        found = {
            name: record for name, each in keys.items() if (record := self.store.find(each.key, name, WEEK, 1000.0))
        }
        chosen = frozenset() if fresh else choose_reused(plan, found, flaky)
        reuse = Reuse(
            store=self.store,
            stack="/stack",
            run_id=f"run-{self.runs}",
            now=lambda: 1000.0,
            keys=keys,
            records={name: found[name] for name in chosen},
            changed=lambda: self.edited,
            redactor=self.redactor,
        )
        work = ReusingWork(plan, engine, make_lowering(), logs, reuse)
        run = Run(plan, work, Witness(), Policy(jobs=8))
        run.start()
        async with asyncio.timeout(5):
            results = await run.wait()
        self.keys = work.keys()
        return {check_id.partition("[")[0]: result for check_id, result in results.items()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_unchanged_check_does_not_run_again(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT, TESTS)
    engine = FakeEngine()
    result = machine.run(engine, LINT, TESTS)["lint"]

    assert engine.programs == []
    assert result.passed
    assert result.cached
    assert (result.cached_run, result.cached_at) == ("run-1", "1970-01-01T00:16:40+00:00")
    assert result.log is not None
    assert "run-1" in (machine.base / "logs-2" / result.log.removeprefix("logs/")).read_text()


def test_failed_and_reused_checks_have_keys_and_changed_ones_have_none(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT)
    machine.edited = frozenset({NEEDY.id})
    machine.run(FakeEngine({"tests": RED}), LINT, TESTS, NEEDY)

    assert machine.keys.keys() == {LINT.id, TESTS.id}
    assert all(machine.keys.values())


def test_changed_check_runs(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT)
    machine.content = "2"
    engine = FakeEngine()

    assert not machine.run(engine, LINT)["lint"].cached
    assert engine.programs == ["lint"]


def test_fresh_run_uses_no_result_and_keeps_its_own(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT)
    engine = FakeEngine()
    machine.run(engine, LINT, fresh=True)

    assert engine.programs == ["lint"]
    assert machine.run(FakeEngine(), LINT)["lint"].cached_run == "run-2"


@pytest.mark.parametrize("exit", [RED, Exit(code=99), Exit(code=None, trouble="disk_full", detail="full")])
def test_red_result_is_never_kept(machine: Machine, exit: Exit) -> None:
    machine.run(FakeEngine({"lint": exit}), LINT)
    engine = FakeEngine({"lint": exit})
    result = machine.run(engine, LINT)["lint"]

    assert engine.programs[0] == "lint"
    assert result.status in {Status.FAILED, Status.ERRORED}
    assert not result.cached


def test_key_that_has_failed_runs_for_ever(machine: Machine) -> None:
    machine.run(FakeEngine({"lint": RED}), LINT)
    machine.run(FakeEngine(), LINT)
    engine = FakeEngine()

    assert not machine.run(engine, LINT)["lint"].cached
    assert engine.programs == ["lint"]


def test_fresh_failure_takes_an_earlier_pass_away(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT)
    machine.run(FakeEngine({"lint": RED}), LINT, fresh=True)

    assert not machine.run(FakeEngine(), LINT)["lint"].cached


def test_pass_at_the_second_attempt_is_not_kept(machine: Machine) -> None:
    crash = Exit(code=None, signal=11)
    assert machine.run(FakeEngine({"lint": [crash, Exit(code=0)]}), LINT)["lint"].attempts == 2

    assert not machine.run(FakeEngine(), LINT)["lint"].cached


def test_edit_during_the_run_keeps_nothing(machine: Machine) -> None:
    machine.edited = frozenset({LINT.id})
    machine.run(FakeEngine(), LINT, TESTS)
    machine.edited = frozenset()
    results = machine.run(FakeEngine(), LINT, TESTS)

    assert (results["lint"].cached, results["tests"].cached) == (False, True)


def test_check_that_runs_runs_its_needs_too(machine: Machine) -> None:
    machine.run(FakeEngine(), LINT)
    engine = FakeEngine()
    machine.run(engine, LINT, NEEDY)

    assert engine.programs == ["lint", "needy"]


def test_kept_record_has_no_secret(machine: Machine) -> None:
    machine.redactor = Redactor({"TOKEN": "hunter2-hunter2"})
    told = Exit(code=0, stdout="lib.py:1:2: E501 hunter2-hunter2 is old")
    check = make_check("lint", commands=(make_command("lint", parser="flake8"),))
    machine.run(FakeEngine({"lint": told}), check)
    kept = machine.run(FakeEngine(), check)["lint"].diagnostics

    assert [each.message for each in kept] == ["*** is old"]
    assert all(b"hunter2" not in path.read_bytes() for path in machine.base.rglob("*.json"))
