"""The baselines of the benchmark: the same steps on the same engine, without the rest of predeploy."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tasks.engines.choice import EngineChoice
from tasks.engines.context import EngineContext
from tasks.engines.opening import EngineConfig, make_engine
from tasks.engines.protocol import Engine
from tasks.execution.prefetch import warm
from tasks.models import Stage
from tasks.steps import Check
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope, read_scope

ROOT = Path(__file__).parents[1]
Runner = Callable[[Check], Awaitable[None]]
Order = Callable[[Engine, Runner], Awaitable[None]]


class NotGreenError(Exception):
    """A run failed, so its time cannot be measured."""


ALONE = ("migrate_upgrade", "worker_health", "intake_e2e")
"""Checks that the plain way does not have. No way runs them in a comparison."""


def scope_of(stack: Path, user_dirs: UserDirs) -> Scope:
    """Returns the scope of the stack that all ways share."""
    return read_scope(stack, {"skip": ALONE}, os.environ, user_dirs.cache)


def engine_of(scope: Scope, user_dirs: UserDirs, choice: EngineChoice, logs: Path) -> Engine:
    """Returns the engine, not opened yet."""
    context = EngineContext(
        tree=scope.tree,
        cache=user_dirs.cache,
        data=user_dirs.data,
        run_id=f"bench-{secrets.token_hex(3)}",
        note=lambda _: None,
        environ=os.environ,
        base=scope.base and scope.base[0],
    )
    return make_engine(choice, context, EngineConfig(log=logs / "dagger.log"))


async def with_engine(scope: Scope, user_dirs: UserDirs, choice: EngineChoice, order: Order) -> None:
    """Opens an engine and runs the plan's checks as `order` does. A step that fails ends the benchmark."""
    with tempfile.TemporaryDirectory(prefix="predeploy-logs-") as logs:
        async with engine_of(scope, user_dirs, choice, Path(logs)) as engine:

            async def run(check: Check) -> None:
                log = Path(logs) / f"{secrets.token_hex(4)}.log"
                for command in check.commands:
                    if command.environment == "image" and "image" not in engine.provides:
                        continue  # as predeploy does
                    step = scope.lowering.step(check, command)
                    for environment in scope.lowering.environments(check, command.programs):
                        await engine.prepare(environment, log)
                    exit = await engine.run(step, log)
                    if exit.code != 0:
                        raise NotGreenError(f"{check.id}: {command.label} ended with {exit}\n{log.read_text()[-2000:]}")

            await order(engine, run)


async def plain_way(scope: Scope, user_dirs: UserDirs, choice: EngineChoice) -> None:
    """Runs one stage after another. Within a stage, a check waits only for the checks that it needs."""

    async def order(_: Engine, run: Runner) -> None:
        for stage in Stage:
            await in_order(scope.plan.of(stage), run)

    await with_engine(scope, user_dirs, choice, order)


async def limit_way(scope: Scope, user_dirs: UserDirs, choice: EngineChoice) -> None:
    """Runs every check as soon as the checks that it needs are done. Slow preparations start at the beginning."""

    async def order(engine: Engine, run: Runner) -> None:
        await asyncio.gather(warm(scope.plan, engine, scope.lowering), in_order(scope.plan.checks, run))

    await with_engine(scope, user_dirs, choice, order)


async def in_order(checks: tuple[Check, ...], run: Runner) -> None:
    """Runs checks in parallel, each after those of `checks` that it needs."""
    done = {check.id: asyncio.Event() for check in checks}

    async def follow(check: Check) -> None:
        for need in check.needs:
            if need in done:
                await done[need].wait()
        await run(check)
        done[check.id].set()

    await asyncio.gather(*map(follow, checks))


def call(module: str, *arguments: str) -> None:
    """Runs a program of this checkout in its own process. Raises NotGreenError if it fails."""
    done = _run(module, *arguments)
    if done.returncode:
        raise NotGreenError(f"{module}:\n{done.stdout}{done.stderr}")


def printed(module: str, *arguments: str) -> int:
    """Returns the bytes that a program of this checkout prints on both streams."""
    done = _run(module, *arguments)
    return len((done.stdout + done.stderr).encode())


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", module, *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
