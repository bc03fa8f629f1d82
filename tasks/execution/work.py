"""Defines the backend that runs the checks of a run, and implements it with an engine."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tasks.engines.machine import load_per_processor
from tasks.engines.protocol import Engine
from tasks.execution.attempt import Attempt
from tasks.execution.durations import Spent
from tasks.execution.prefetch import Installs, warm
from tasks.models import EngineFacts, Report, Result
from tasks.planning.lowering import Lowering, slot_of
from tasks.planning.plan import Plan
from tasks.steps import Check


class Work(Protocol):
    """Runs each requested check once. Never raises for a failed or errored check."""

    @property
    def facts(self) -> EngineFacts:
        """Facts about the engine that ran the checks."""

    def completed(self, report: Report) -> Report:
        """Returns the final report with the warnings of the run, which do not change the verdict."""

    def start(self) -> None:
        """Starts the preparation of what the checks need."""

    async def ready(self, check: Check) -> None:
        """Returns when the check can start without a wait for its preparation."""

    async def do(self, check: Check) -> Result:
        """Runs the check and returns its result."""

    def owners(self, check: Check) -> Sequence[str]:
        """Returns the ids of earlier checks that may share the root cause of a red check."""

    async def stop(self) -> None:
        """Cancels preparations that are no longer needed."""


class EngineWork:
    """Runs the checks of a plan on an engine. Prepares packages, database and images while the first checks run.

    `whole`: the complete plan, if `plan` is the part of one shard. `load` returns how busy the machine is.
    `has_exports`: workspaces are read again after the checks.
    """

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        lowering: Lowering,
        logs: Path,
        *,
        whole: Plan | None = None,
        load: Callable[[], float] = load_per_processor,
        has_exports: bool = False,
    ) -> None:
        self.engine = engine
        self._plan, self._lowering = plan, lowering
        self._attempt = Attempt(plan=whole or plan, engine=engine, lowering=lowering, logs=logs, load=load)
        self._installs = Installs(plan, engine, lowering, logs)
        self._warming: asyncio.Task[None] | None = None
        self._users = {} if has_exports else users_of_slots(plan)

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
        assert check.commands, f"{check.id} has no commands"  # a check without commands must not pass
        result = await self._attempt.run(check)
        await self.engine.leave(self._left_by(check))
        return result

    def _left_by(self, check: Check) -> list[str]:
        """Returns the slots that no later check uses."""
        left = []
        for slot, users in self._users.items():
            if check.id in users:
                users.discard(check.id)
                left += [] if users else [slot]
        return left

    def owners(self, check: Check) -> Sequence[str]:
        return self._attempt.owners.get(check.id, ())

    @property
    def spent(self) -> Mapping[str, Spent]:
        """The time of each check's commands, by id, as far as the engine measures it."""
        return self._attempt.spent

    def keys(self) -> Mapping[str, str]:
        """Returns the key of each check that has one, by id, after `stop`. Equal keys mean equal inputs."""
        return {}

    async def stop(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._installs.stop()


def users_of_slots(plan: Plan) -> dict[str, set[str]]:
    """Returns the ids of the checks whose commands are in a slot, by slot."""
    users: dict[str, set[str]] = {}
    for check in plan.checks:
        for command in check.commands:
            users.setdefault(slot_of(check, command), set()).add(check.id)
    return users
