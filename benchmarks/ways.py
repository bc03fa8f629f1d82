"""The two yardsticks: the same steps on the same engine, without us."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from flows.places import Places
from flows.scope import Scope, read_scope
from tasks.engines.local.engine import LocalEngine
from tasks.models import Stage
from tasks.steps import Check

Runner = Callable[[Check], Awaitable[None]]


def scope_of(stack: Path, places: Places) -> Scope:
    """The whole plan of the stack."""
    return read_scope(stack, {}, os.environ, places.cache)


async def with_engine(scope: Scope, places: Places, order: Callable[[Runner], Awaitable[None]]) -> None:
    """Opens an engine and runs the plan's checks in the order given. A step that is not green ends the benchmark."""
    run_id = f"bench-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="predeploy-logs-") as logs:
        engine = LocalEngine(
            tree=scope.tree,
            cache=places.cache,
            data=places.data,
            run_id=run_id,
            reason="benchmark",
            note=lambda _: None,
            environ=os.environ,
        )
        async with engine:

            async def run(check: Check) -> None:
                log = Path(logs) / f"{secrets.token_hex(4)}.log"
                for command in check.commands:
                    step = scope.lowering.step(check, command)
                    for environment in (step.environment, step.service.environment if step.service else None):
                        if environment is not None:
                            await engine.prepare(environment, log)
                    exit = await engine.run(step, log)
                    if exit.code != 0:
                        raise SystemExit(f"{check.id}: {command.label} ended with {exit}\n{log.read_text()[-2000:]}")

            await order(run)


async def plain_way(scope: Scope, places: Places) -> None:
    """Stage after stage; within one, what needs something waits for it, and all else runs at once."""

    async def order(run: Runner) -> None:
        for stage in Stage:
            await in_order(scope.plan.of(stage), run)

    await with_engine(scope, places, order)


async def limit_way(scope: Scope, places: Places) -> None:
    """Every check as soon as what it needs is done."""
    await with_engine(scope, places, lambda run: in_order(scope.plan.checks, run))


async def in_order(checks: tuple[Check, ...], run: Runner) -> None:
    """Runs checks side by side, each after those of them that it needs."""
    done = {check.id: asyncio.Event() for check in checks}

    async def follow(check: Check) -> None:
        for need in check.needs:
            if need in done:
                await done[need].wait()
        await run(check)
        done[check.id].set()

    await asyncio.gather(*map(follow, checks))
