"""Installs what a plan needs from its first moment on, so that no check holds a place while it only waits for that."""

import asyncio
import contextlib
import re
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import PredeployError
from tasks.exits import Prepared
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.steps import Check, Environment


class Installs:
    """One task per environment. How it went is no matter here: the checks ask the engine for it again themselves."""

    def __init__(self, plan: Plan, engine: Engine, lowering: Lowering, logs: Path) -> None:
        self._engine = engine
        self._logs = logs
        self._wanted = {check.id: environments_of(check, lowering) for check in plan.checks}
        self._tasks: dict[str, asyncio.Task[Prepared]] = {}

    def start(self) -> None:
        """Begins with all of them at once: they wait for the network more than they compute."""
        for environments in self._wanted.values():
            for each in environments:
                if each.key not in self._tasks:
                    log = self._logs / f"install-{re.sub(r'[^a-z0-9]+', '-', each.title.lower()).strip('-')}.log"
                    self._tasks[each.key] = asyncio.create_task(self._engine.prepare(each, log))

    async def ready(self, check: Check) -> None:
        """Returns when what the check needs is installed, or could not be."""
        waiting = [self._tasks[each.key] for each in self._wanted[check.id] if each.key in self._tasks]
        if waiting:
            await asyncio.wait(waiting)

    async def stop(self) -> None:
        """Ends what nobody waits for any more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def environments_of(check: Check, lowering: Lowering) -> tuple[Environment, ...]:
    """What has to be installed for a check; what cannot be named is the check's own to tell."""
    found: dict[str, Environment] = {}
    for program in check.programs:
        with contextlib.suppress(PredeployError):
            environment = lowering.environment_of(check, program)
            found |= {environment.key: environment} if environment is not None else {}
    return tuple(found.values())
