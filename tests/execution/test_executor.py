"""The executor: each check runs once and after its needs, and every check gets a result."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import EngineError
from tasks.execution.durations import Spent
from tasks.execution.executor import Policy, Run
from tasks.execution.work import EngineWork
from tasks.exits import Exit
from tasks.models import Result, Stage, Status
from tasks.planning.lowering import slot_of
from tasks.planning.plan import Plan
from tasks.redaction.redactor import Redactor
from tasks.steps import Check
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import WELL, FakeEngine, Witness

RED = Exit(code=1, stdout="a finding")
LINT, TYPES, TESTS = make_check("lint"), make_check("types"), make_check("tests")


def make_run(engine: FakeEngine, *checks: Check, logs: Path, progress: Witness | None = None, **policy: Any) -> Run:
    plan: Plan = make_some_plan(*checks)
    work = EngineWork(plan, engine, make_lowering(), logs)
    return Run(plan, work, progress or Witness(), Policy(**{"jobs": 8, **policy}))


async def results_of(run: Run) -> dict[str, Result]:
    """Starts the run and returns the results by check name. Raises TimeoutError if the run hangs."""
    run.start()
    async with asyncio.timeout(5):
        return by_name(await run.wait())


def by_name(results: dict[str, Result]) -> dict[str, Result]:
    return {check_id.partition("[")[0]: result for check_id, result in results.items()}


def codes(results: dict[str, Result]) -> dict[str, tuple[Status, str]]:
    return {name: (result.status, result.reason_code) for name, result in results.items()}


async def until_running(engine: FakeEngine, program: str) -> None:
    async with asyncio.timeout(5):
        await engine.begun(program).wait()


async def settle() -> None:
    """Lets the event loop run all tasks that are ready."""
    for _ in range(50):
        await asyncio.sleep(0)


def chain(*names: str, **over: Any) -> list[Check]:
    """Returns checks of which each needs the previous one."""
    checks: list[Check] = []
    for name in names:
        needs = (checks[-1].id,) if checks else ()
        checks.append(make_check(name, needs=needs, **over))
    return checks


async def test_check_runs_once_for_several_callers(tmp_path: Path) -> None:
    engine = FakeEngine()
    run = make_run(engine, LINT, make_check("types", needs=(LINT.id,)), logs=tmp_path)
    run.start()

    asked = await asyncio.gather(*(run.execute(LINT.id) for _ in range(5)), run.finished(LINT.id))
    await run.wait()

    assert engine.programs == ["lint", "types"]
    assert all(result is asked[0] for result in asked)


async def test_needs_are_waited_for_across_stages(tmp_path: Path) -> None:
    build = make_check("image", stage=Stage.BUILD)
    check = make_check("health", stage=Stage.INTEGRATION, needs=(build.id,))
    engine = FakeEngine()
    gate = engine.gate("image")
    run = make_run(engine, check, build, logs=tmp_path)
    run.start()
    await until_running(engine, "image")
    await settle()

    assert engine.programs == ["image"]

    gate.set()
    results = by_name(await run.wait())
    assert engine.programs == ["image", "health"]
    assert results["health"].passed
    assert results["health"].started >= results["image"].started + results["image"].duration


async def test_results_are_in_the_order_of_the_plan(tmp_path: Path) -> None:
    engine = FakeEngine(delays={"lint": 0.02})

    results = await results_of(make_run(engine, LINT, TYPES, TESTS, logs=tmp_path))

    assert list(results) == ["lint", "types", "tests"]


@pytest.mark.parametrize(
    ("exit", "word", "ends"), [(RED, "failed", "failed"), (Exit(code=99), "errored", "has no verdict")]
)
async def test_red_check_skips_all_that_need_it(tmp_path: Path, exit: Exit, word: str, ends: str) -> None:
    engine = FakeEngine({"image": exit})

    results = await results_of(make_run(engine, *chain("image", "migrate", "health"), TESTS, logs=tmp_path))

    assert results["image"].status == word
    assert results["migrate"].reason == f"needs image, which {ends}"
    assert results["health"].reason == "needs migrate, which was skipped"
    assert codes(results)["migrate"] == codes(results)["health"] == (Status.SKIPPED, "needs")
    assert results["tests"].passed
    assert "migrate" not in engine.programs


async def test_duration_of_a_skipped_check_excludes_its_wait(tmp_path: Path) -> None:
    engine = FakeEngine({"image": RED}, delays={"image": 0.05})

    results = await results_of(make_run(engine, *chain("image", "migrate"), logs=tmp_path))

    assert results["migrate"].duration < results["image"].duration


async def test_checks_start_as_long_as_their_loads_fit_the_cores(tmp_path: Path) -> None:
    checks = [make_check(f"check{number}") for number in range(8)]
    engine = FakeEngine(delays={check.name: 0.01 for check in checks})
    loads = {check.id: 0.5 for check in checks}

    await results_of(make_run(engine, *checks, logs=tmp_path, cores=2, loads=loads))

    assert engine.peak == 4


async def test_work_has_the_processor_time_of_each_check_that_ran(tmp_path: Path) -> None:
    lint = Exit(code=0, cpu=1.5, duration=2.0)
    exits = {"lint": lint, "types": Exit(code=0, cpu=1.5, reused=True), "tests": Exit(code=0)}
    work = EngineWork(make_some_plan(LINT, TYPES, TESTS), FakeEngine(exits), make_lowering(), tmp_path)

    await results_of(Run(work._plan, work, Witness(), Policy(jobs=8)))

    assert work.spent == {LINT.id: Spent(cpu=1.5, seconds=2.0)}


async def test_jobs_limit_how_many_run_at_once(tmp_path: Path) -> None:
    checks = [make_check(f"check{number}") for number in range(12)]
    engine = FakeEngine(delays={check.name: 0.002 for check in checks})

    await results_of(make_run(engine, *checks, logs=tmp_path, jobs=3))

    assert engine.peak == 3


async def test_waiting_check_holds_no_slot(tmp_path: Path) -> None:
    """With one slot, a check that waits in the slot for another check would be a deadlock."""
    engine = FakeEngine()
    first, second, third = chain("image", "migrate", "health")

    results = await results_of(make_run(engine, third, second, first, TESTS, logs=tmp_path, jobs=1))

    assert engine.peak == 1
    assert all(result.passed for result in results.values())


async def test_fail_fast_stops_the_rest(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": RED}, delays={"lint": 0.01})
    engine.gate("types")
    run = make_run(engine, LINT, TYPES, TESTS, logs=tmp_path, jobs=2, fail_fast=True)

    results = await results_of(run)

    assert codes(results) == {
        "lint": (Status.FAILED, "findings"),
        "types": (Status.SKIPPED, "fail_fast"),
        "tests": (Status.SKIPPED, "fail_fast"),
    }
    assert engine.cancelled == ["types"]
    assert run.ended is not None
    assert run.ended[0] == "fail_fast"


async def test_without_fail_fast_the_rest_goes_on(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": RED})

    results = await results_of(make_run(engine, LINT, TYPES, TESTS, logs=tmp_path, jobs=1))

    assert results["tests"].passed


@pytest.mark.parametrize("code", ["budget", "interrupted", "terminated"])
async def test_stop_resolves_every_check(tmp_path: Path, code: str) -> None:
    engine = FakeEngine()
    engine.gate("image")
    done, *waiting = [LINT, *chain("image", "migrate", "health"), TESTS]
    run = make_run(engine, done, *waiting, logs=tmp_path, jobs=1, seconds={done.id: 99})
    run.start()
    await until_running(engine, "image")

    run.stop(code, "time is up")

    async with asyncio.timeout(5):
        results = by_name(await run.wait())
    assert results["lint"].passed
    assert codes(results)["image"] == (Status.ERRORED, code)
    assert all(codes(results)[name] == (Status.SKIPPED, code) for name in ("migrate", "health", "tests"))
    assert "time is up" in results["image"].reason
    assert engine.cancelled == ["image"]


async def test_stop_before_the_first_step_resolves_every_check(tmp_path: Path) -> None:
    """A task that is cancelled before its first step never enters its own `finally`."""
    engine = FakeEngine()
    run = make_run(engine, *chain("image", "migrate"), logs=tmp_path)
    run.start()

    run.stop("interrupted", "interrupted by SIGINT")

    async with asyncio.timeout(5):
        results = by_name(await run.wait())
    assert set(codes(results).values()) == {(Status.SKIPPED, "interrupted")}
    assert engine.programs == []


async def test_second_stop_does_not_cancel_the_clean_up_of_the_first(tmp_path: Path) -> None:
    cleaned: list[str] = []

    class Slow(FakeEngine):
        async def run(self, step: Any, log: Path) -> Exit:
            try:
                return await super().run(step, log)
            finally:
                await asyncio.sleep(0.01)
                cleaned.append(step.argv[0])

    engine = Slow()
    engine.gate("lint")
    run = make_run(engine, LINT, logs=tmp_path)
    run.start()
    await until_running(engine, "lint")

    run.stop("budget", "the budget is spent")
    await settle()
    run.stop("interrupted", "interrupted by SIGINT")

    await run.wait()
    assert cleaned == ["lint"]


@pytest.mark.parametrize("first", ["budget", "fail_fast"])
async def test_interruption_replaces_any_other_stop_reason(tmp_path: Path, first: str) -> None:
    engine = FakeEngine()
    engine.gate("lint")
    run = make_run(engine, LINT, logs=tmp_path)
    run.start()
    await until_running(engine, "lint")

    run.stop(first, "…")
    run.stop("interrupted", "interrupted by SIGINT")
    run.stop("budget", "…")
    await run.wait()

    assert run.ended == ("interrupted", "interrupted by SIGINT")


async def test_budget_that_ends_after_the_last_check_does_not_stop_the_run(tmp_path: Path) -> None:
    run = make_run(FakeEngine(), LINT, logs=tmp_path)
    await results_of(run)

    run.stop("budget", "the budget of 1 s is spent")

    assert run.ended is None


async def test_exception_in_predeploy_makes_only_its_check_errored(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": KeyError("oops"), "types": EngineError("Postgres does not start", "service_start")})

    results = await results_of(make_run(engine, LINT, TYPES, TESTS, logs=tmp_path))

    assert codes(results) == {
        "lint": (Status.ERRORED, "internal"),
        "types": (Status.ERRORED, "service_start"),
        "tests": (Status.PASSED, ""),
    }
    assert results["lint"].reason == "KeyError: 'oops'"
    assert results["types"].reason == "Postgres does not start"


async def test_check_without_a_verdict_is_retried(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": [Exit(code=None, signal=9), WELL]})

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert results["lint"].passed
    assert results["lint"].attempts == 2
    assert engine.programs == ["lint", "lint"]


@pytest.mark.parametrize("exit", [RED, WELL, Exit(code=None, timed_out=True)])
async def test_check_with_a_verdict_is_not_retried(tmp_path: Path, exit: Exit) -> None:
    engine = FakeEngine({"lint": exit})

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert results["lint"].attempts == 1
    assert engine.programs == ["lint"]


async def test_check_is_not_retried_on_an_engine_with_trouble(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": Exit(code=None, signal=9)}, troubles=[("disk_full", "no space left in /cache")])

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert codes(results) == {"lint": (Status.ERRORED, "disk_full")}
    assert engine.programs == ["lint"]


async def test_same_crash_twice_is_a_failure(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": Exit(code=None, signal=11)})

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert codes(results) == {"lint": (Status.FAILED, "crash")}
    assert results["lint"].reason == "lint crashed with SIGSEGV, twice"
    assert results["lint"].attempts == 2


@pytest.mark.parametrize("second", [Exit(code=None, signal=6), Exit(code=None, signal=9)])
async def test_crash_with_a_different_end_on_retry_is_errored(tmp_path: Path, second: Exit) -> None:
    engine = FakeEngine({"lint": [Exit(code=None, signal=11), second]})

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert results["lint"].status is Status.ERRORED


async def test_crash_on_an_engine_with_trouble_is_errored(tmp_path: Path) -> None:
    engine = FakeEngine(
        {"lint": Exit(code=None, signal=11)}, troubles=[None, None, None, ("disk_full", "no space left")]
    )

    results = await results_of(make_run(engine, LINT, logs=tmp_path))

    assert results["lint"].status is Status.ERRORED


async def test_cancelled_observer_does_not_cancel_the_check(tmp_path: Path) -> None:
    engine = FakeEngine()
    gate = engine.gate("lint")
    run = make_run(engine, LINT, logs=tmp_path)
    run.start()
    watcher = asyncio.create_task(run.execute(LINT.id))
    await until_running(engine, "lint")

    watcher.cancel()
    await settle()
    gate.set()

    assert (await run.execute(LINT.id)).passed
    assert watcher.cancelled()
    assert engine.cancelled == []


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("I/O operation on closed file"), KeyError("a mistake")])
async def test_broken_display_does_not_change_the_verdict(tmp_path: Path, error: Exception) -> None:
    engine = FakeEngine({"types": RED})
    run = make_run(engine, LINT, TYPES, TESTS, logs=tmp_path, jobs=1, progress=Witness(error), fail_fast=True)

    results = await results_of(run)

    assert codes(results) == {
        "lint": (Status.PASSED, ""),
        "types": (Status.FAILED, "findings"),
        "tests": (Status.SKIPPED, "fail_fast"),
    }


async def test_progress_gets_the_end_of_every_check_and_the_start_of_those_that_run(tmp_path: Path) -> None:
    witness = Witness()
    engine = FakeEngine({"image": RED})

    await results_of(make_run(engine, *chain("image", "migrate"), logs=tmp_path, progress=witness))

    assert [each.partition("[")[0] for each in witness.begun] == ["image"]
    assert [each.partition("[")[0] for each in witness.ended] == ["image", "migrate"]


async def test_started_returns_for_a_check_that_never_runs(tmp_path: Path) -> None:
    engine = FakeEngine({"image": RED})
    image, migrate = chain("image", "migrate")
    run = make_run(engine, image, migrate, logs=tmp_path)
    run.start()

    async with asyncio.timeout(5):
        await run.started(migrate.id)
    assert (await run.execute(migrate.id)).status is Status.SKIPPED


async def test_many_checks_are_one_step_each(tmp_path: Path) -> None:
    checks = [
        make_check(f"check{number}", commands=(make_command(f"program{number}", environment="production"),))
        for number in range(200)
    ]
    engine = FakeEngine()

    results = await results_of(make_run(engine, *checks, logs=tmp_path, jobs=4))

    assert all(result.passed for result in results.values())
    assert sorted(engine.programs) == sorted(f"program{number}" for number in range(200))


async def test_results_and_progress_get_masked_values_only(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": Exit(code=1, stdout="a finding: c4n4ry-value"), "types": RuntimeError("c4n4ry-value")})
    witness = Witness()
    redactor = Redactor({"KEY": "c4n4ry-value"})

    results = await results_of(make_run(engine, LINT, TYPES, logs=tmp_path, progress=witness, redactor=redactor))

    assert results["types"].reason == "RuntimeError: ***"
    assert "a finding: ***" in str(results["lint"].diagnostics)
    assert "c4n4ry" not in str(results) + str(vars(witness))


def presuming(name: str, need: Check) -> Check:
    """Returns a check that runs while the one that it needs runs."""
    return replace(make_check(name, needs=(need.id,)), presumed=(need.id,))


async def test_check_that_presumes_a_need_runs_meanwhile_and_is_decided_after_it(tmp_path: Path) -> None:
    build, engine = make_check("image"), FakeEngine(delays={"migrate": 0.01})
    migrate = presuming("migrate", build)
    gate = engine.gate("image")
    run = make_run(engine, build, migrate, make_check("health", needs=(migrate.id,)), logs=tmp_path)
    run.start()
    await until_running(engine, "migrate")
    await asyncio.sleep(0.05)

    assert engine.programs == ["image", "migrate"]
    deciding = asyncio.create_task(run.execute(migrate.id))
    await settle()
    assert not deciding.done()

    gate.set()
    results = by_name(await run.wait())
    assert [result.status for result in results.values()] == [Status.PASSED] * 3
    assert results["migrate"].started + results["migrate"].duration < results["image"].duration


async def test_check_is_stopped_and_skipped_if_a_need_that_it_presumes_is_red(tmp_path: Path) -> None:
    build, engine = make_check("image"), FakeEngine({"image": RED}, delays={"image": 0.02})
    engine.gate("migrate")

    results = await results_of(make_run(engine, build, presuming("migrate", build), logs=tmp_path))

    assert engine.cancelled == ["migrate"]
    assert results["migrate"].reason == "needs image, which failed"
    assert (results["migrate"].status, results["migrate"].duration) == (Status.SKIPPED, 0.0)


async def test_red_of_a_check_does_not_count_if_a_need_that_it_presumes_is_red(tmp_path: Path) -> None:
    build, witness = make_check("image"), Witness()
    engine = FakeEngine({"image": RED, "migrate": RED}, delays={"image": 0.02})
    run = make_run(engine, build, presuming("migrate", build), logs=tmp_path, progress=witness)

    results = await results_of(run)

    assert engine.programs == ["image", "migrate"]
    assert codes(results)["migrate"] == (Status.SKIPPED, "needs")


async def test_check_whose_presumed_need_passes_keeps_its_own_red(tmp_path: Path) -> None:
    build, engine = make_check("image"), FakeEngine({"migrate": RED}, delays={"image": 0.02})

    results = await results_of(make_run(engine, build, presuming("migrate", build), logs=tmp_path))

    assert results["migrate"].status is Status.FAILED


async def test_stop_of_the_run_stops_a_check_that_presumes_a_need(tmp_path: Path) -> None:
    build, engine = make_check("image"), FakeEngine()
    engine.gate("image"), engine.gate("migrate")
    run = make_run(engine, build, presuming("migrate", build), logs=tmp_path)
    run.start()
    await until_running(engine, "migrate")
    run.stop("interrupted", "interrupted by SIGINT")

    async with asyncio.timeout(5):
        results = by_name(await run.wait())
    assert sorted(engine.cancelled) == ["image", "migrate"]
    assert codes(results)["migrate"] == (Status.ERRORED, "interrupted")


@pytest.mark.parametrize("has_exports", [False, True])
async def test_slots_are_left_after_their_last_check(tmp_path: Path, *, has_exports: bool) -> None:
    built, alone = make_check("built"), make_check("lint")
    asked = make_check("ask", workspace_of=built.id, needs=(built.id,))
    never = make_check("never", needs=(alone.id,))
    engine = FakeEngine({"lint": RED})
    plan = make_some_plan(built, asked, alone, never)
    work = EngineWork(plan, engine, make_lowering(), tmp_path, has_exports=has_exports)
    gate = engine.gate("ask")
    run = Run(plan, work, Witness(), Policy(jobs=8))
    run.start()
    await until_running(engine, "ask")
    during = [*engine.left]
    gate.set()
    await run.wait()

    assert during == ([] if has_exports else [slot_of(alone)])
    assert engine.left == ([] if has_exports else [slot_of(alone), slot_of(built)])
