"""A red result is never without a diagnostic, without a reason, or with a reason that ends in the middle.

The outputs are those of real tools: whole, cut off at random places, and empty, with each way in which a program ends.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import EngineError
from tasks.execution.executor import Policy, Run
from tasks.execution.findings import complete
from tasks.execution.work import EngineWork
from tasks.exits import Exit
from tasks.models import Result, Status
from tasks.steps import Check
from tests.diagnostics.captures import ROOT, load, names
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import FakeEngine, Witness

PARSERS = sorted({name.partition("/")[0] for name in names()})
CUTS = 2
UNKNOWN = 77


def endings(name: str, rng: random.Random) -> Iterator[Exit]:
    """Ends of a program with the captured output, or with a part of it."""
    capture = load(name)
    code = capture.exit or 1
    whole = Exit(code=code, stdout=capture.stdout, stderr=capture.stderr, root=ROOT)
    yield whole
    yield replace(whole, stdout="", stderr="")
    yield replace(whole, code=UNKNOWN)
    yield replace(whole, code=None, signal=9)
    yield replace(whole, code=None, timed_out=True)
    for _ in range(CUTS):
        stdout, stderr = (text[: rng.randint(0, len(text))] for text in (capture.stdout, capture.stderr))
        yield replace(whole, stdout=stdout, stderr=stderr)


def cwd_of(key: str) -> str:
    return load(key.rpartition("-")[0]).cwd


def verdicts_of(exit: Exit) -> tuple[tuple[int, str], ...]:
    """The exit code of the tool is a verdict; an unknown one is none."""
    return ((exit.code or 1, "findings"),) if exit.code != UNKNOWN else ()


async def results_of(checks: list[Check], engine: FakeEngine, logs: Path) -> list[Result]:
    plan = make_some_plan(*checks)
    run = Run(plan, EngineWork(plan, engine, make_lowering(), logs, load=lambda: 0.0), Witness(), Policy(jobs=8))
    run.start()
    return [*(await run.wait()).values()]


def assert_complete(result: Result) -> None:
    assert result.status in {Status.FAILED, Status.ERRORED}
    assert result.diagnostics
    assert all(each.message.strip() for each in result.diagnostics)
    reason = result.reason
    assert reason == reason.strip() != ""
    assert "\n" not in reason
    assert not reason.endswith((":", ",", ";", "(", "[", "{"))


@pytest.mark.parametrize("parser", PARSERS)
async def test_red_result_is_complete(parser: str, tmp_path: Path) -> None:
    rng = random.Random(parser)
    exits = {f"{name}-{number}": exit for name in names(parser) for number, exit in enumerate(endings(name, rng))}
    checks = [
        make_check(key, commands=(make_command(key, cwd=cwd_of(key), parser=parser, verdicts=verdicts_of(exit)),))
        for key, exit in exits.items()
    ]

    results = await results_of(checks, FakeEngine(exits), tmp_path)

    assert len(results) == len(exits)
    for result in results:
        assert_complete(result)


@pytest.mark.parametrize(
    "error", [EngineError("the engine is gone", "engine_lost"), RuntimeError("a bug"), ValueError()]
)
async def test_error_of_the_engine_is_a_diagnostic(error: Exception, tmp_path: Path) -> None:
    (result,) = await results_of([make_check("tool")], FakeEngine({"tool": error}), tmp_path)

    assert_complete(result)
    assert [each.tool for each in result.diagnostics] == ["predeploy"]


def test_result_without_a_reason_gets_one() -> None:
    assert_complete(complete(Result(check="a", status=Status.FAILED)))
    assert complete(Result(check="a", status=Status.PASSED)).diagnostics == ()
