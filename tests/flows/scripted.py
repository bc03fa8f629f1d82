"""Scripted runs: their checks only take a given time and end with a given result."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.models import (
    CheckReport,
    Diagnostic,
    EngineFacts,
    Outcome,
    Report,
    Result,
    RunFacts,
    Stage,
    Status,
    Verdict,
    worst,
)
from tasks.redaction.redactor import NOTHING
from tasks.steps import Check

FINDING = Diagnostic(tool="mypy", message="Incompatible types\nin assignment", file="apps/web/a.py", line=3, column=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The script of one check."""

    name: str
    stage: Stage = Stage.QUALITY
    component: str = "apps/web"
    begins: float = 0.0
    lasts: float = 0.0
    status: Status = Status.PASSED
    cached: bool = False
    reason: str = ""
    summary: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def check(self) -> Check:
        """The check of the plan."""
        return Check(
            id=f"{self.name}[{self.component}]",
            name=self.name,
            title=self.name,
            stage=self.stage,
            component=self.component,
            commands=(),
        )


MIXED = (
    Script(name="django_container", stage=Stage.BUILD, summary="built"),
    Script(name="worker_container", stage=Stage.BUILD, component="workers/intake", cached=True, summary="bundled"),
    Script(name="site", stage=Stage.BUILD, component="sites/a"),
    Script(name="site", stage=Stage.BUILD, component="sites/b"),
    Script(name="ruff_check"),
    Script(
        name="mypy",
        status=Status.FAILED,
        reason="1 error",
        diagnostics=(FINDING, *(replace(FINDING, line=line) for line in range(4, 8))),
    ),
    Script(name="pytest", summary="24 passed"),
    Script(name="migrate", stage=Stage.INTEGRATION, status=Status.ERRORED, reason="Postgres did not start"),
    Script(name="django_check", stage=Stage.INTEGRATION),
    Script(name="django_health", stage=Stage.INTEGRATION, status=Status.SKIPPED, reason="migrate did not pass"),
)
"""Ten checks, with one of every kind."""


def lasting(scripts: Sequence[Script], seconds: float) -> tuple[Script, ...]:
    """The same checks, each with a duration."""
    return tuple(replace(script, lasts=seconds) for script in scripts)


class ScriptedRun:
    """A run that proceeds by itself from its creation, as a run of the executor does.

    With `held_by`, no check ends before that file exists.
    """

    def __init__(self, scripts: Sequence[Script], *, held_by: Path | None = None) -> None:
        self._held_by = held_by
        self.checks = tuple(script.check for script in scripts)
        self._zero = time.monotonic()
        self._begun = {check.id: asyncio.Event() for check in self.checks}
        self._tasks = {script.check.id: asyncio.create_task(self._run(script)) for script in scripts}

    redactor = NOTHING

    async def started(self, check_id: str) -> None:
        """As in the protocol."""
        await self._begun[check_id].wait()

    async def finished(self, check_id: str) -> Result:
        """As in the protocol."""
        return await asyncio.shield(self._tasks[check_id])

    async def report(self) -> Report:
        """As in the protocol."""
        results = [await self.finished(check.id) for check in self.checks]
        return make_report(self.checks, results, duration=time.monotonic() - self._zero)

    async def _run(self, script: Script) -> Result:
        await asyncio.sleep(script.begins)
        self._begun[script.check.id].set()
        await asyncio.sleep(script.lasts)
        while self._held_by and not self._held_by.exists():  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(0.02)
        return make_result(script)


def make_result(script: Script) -> Result:
    """The result of a script."""
    return Result(
        check=script.check.id,
        status=script.status,
        cached=script.cached,
        reason=script.reason,
        summary=script.summary,
        diagnostics=script.diagnostics,
        started=script.begins,
        duration=script.lasts,
    )


def make_report(checks: Sequence[Check], results: Sequence[Result], *, duration: float = 1.5) -> Report:
    """A report of these results."""
    outcomes = {Status.FAILED: (Outcome.FAILED, 1), Status.ERRORED: (Outcome.ERRORED, 3)}
    outcome, code = outcomes.get(worst(results), (Outcome.PASSED, 0))
    return Report(
        verdict=Verdict(outcome=outcome, exit_code=code, ready=code == 0),
        checks=tuple(
            CheckReport(
                id=check.id,
                name=check.name,
                title=check.title,
                component=check.component,
                stage=check.stage,
                result=result,
            )
            for check, result in zip(checks, results, strict=True)
        ),
        engine=EngineFacts(name="local", version="1", reason="no container runtime"),
        run=RunFacts(id="run"),
        stack="cafe",
        tree="3be1a14",
        directory=".predeploy/runs/run",
        started_at="2026-01-01T00:00:00Z",
        duration=duration,
    )
