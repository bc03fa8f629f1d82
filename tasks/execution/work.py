"""What does the checks of a run: here, an engine with all that it needs beside it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tasks.engines.protocol import Engine
from tasks.execution.attempt import Attempt
from tasks.execution.prefetch import Installs, warm
from tasks.models import EngineFacts, Report, Result
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.steps import Check


class Work(Protocol):
    """Does each check that it is asked for, once. Never raises for one that is red."""

    @property
    def facts(self) -> EngineFacts:
        """What ran the checks."""

    def completed(self, report: Report) -> Report:
        """The report of a run that is over, with what went wrong and changes no verdict."""

    def start(self) -> None:
        """Begins what checks will ask for."""

    async def ready(self, check: Check) -> None:
        """Returns when a check may begin, and would not only wait."""

    async def do(self, check: Check) -> Result:
        """What became of a check, when that is known."""

    def owners(self, check: Check) -> Sequence[str]:
        """Checks before a red one that may be red for the very same trouble."""

    async def stop(self) -> None:
        """Ends what nobody waits for any more."""


class EngineWork:
    """The checks of a plan on an engine. Packages, database and images are made ready beside the first of them.

    `whole` is the plan that this one is a part of, where other parts are done elsewhere.
    """

    def __init__(
        self, plan: Plan, engine: Engine, lowering: Lowering, logs: Path, *, whole: Plan | None = None
    ) -> None:
        self.engine = engine
        self._plan, self._lowering = plan, lowering
        self._attempt = Attempt(plan=whole or plan, engine=engine, lowering=lowering, logs=logs)
        self._installs = Installs(plan, engine, lowering, logs)
        self._warming: asyncio.Task[None] | None = None

    @property
    def facts(self) -> EngineFacts:
        return self.engine.facts

    def completed(self, report: Report) -> Report:
        return replace(report, warnings=(*report.warnings, *self.engine.warnings))

    def start(self) -> None:
        self._installs.start()
        self._warming = asyncio.create_task(warm(self._plan, self.engine, self._lowering))

    async def ready(self, check: Check) -> None:
        await self._installs.ready(check)

    async def do(self, check: Check) -> Result:
        assert check.commands, f"{check.id} has nothing to do"  # which must not be a pass
        return await self._attempt.run(check)

    def owners(self, check: Check) -> Sequence[str]:
        return self._attempt.owners.get(check.id, ())

    async def stop(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._installs.stop()
