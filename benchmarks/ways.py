"""The baselines of the benchmark: the same steps on the same engine, without the rest of predeploy."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.choice import EngineChoice
from tasks.engines.context import EngineContext
from tasks.engines.opening import EngineConfig, make_engine
from tasks.engines.protocol import Engine
from tasks.execution.machine_excuses import given_time
from tasks.execution.prefetch import warm
from tasks.models import Stage
from tasks.steps import Check
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope, read_scope

ROOT = Path(__file__).parents[1]
Runner = Callable[[Check], Awaitable[None]]
Order = Callable[[Scope, Engine, Runner], Awaitable[None]]


class NotGreenError(Exception):
    """A run failed, so its time cannot be measured. `output` is what it printed."""

    def __init__(self, text: str, output: str = "") -> None:
        super().__init__(text)
        self.output = output


ALONE = ("migrate_upgrade", "worker_health", "intake_e2e")
"""Checks that the plain way does not have. No way runs them in a comparison."""


def skipped_of(stack: Path, more: tuple[str, ...], user_dirs: UserDirs) -> tuple[str, ...]:
    """Returns those of `ALONE` that the stack has, and the ones that the caller leaves out."""
    plan = read_scope(stack, {"skip": more}, os.environ, user_dirs.cache).plan
    return (*more, *(name for name in ALONE if any(check.name == name for check in plan.checks)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRun:
    """What a way runs: a stack without some checks, on an engine, with these directories. `fresh` as for the engine."""

    stack: Path
    skip: tuple[str, ...]
    choice: EngineChoice
    user_dirs: UserDirs
    fresh: bool = False

    def scope(self) -> Scope:
        """Reads the stack as it is now."""
        return read_scope(self.stack, {"skip": self.skip}, os.environ, self.user_dirs.cache)

    def engine(self, scope: Scope, logs: Path) -> Engine:
        """Returns the engine, not opened yet."""
        context = EngineContext(
            tree=scope.tree,
            cache=self.user_dirs.cache,
            data=self.user_dirs.data,
            run_id=f"bench-{secrets.token_hex(3)}",
            note=lambda _: None,
            environ=os.environ,
            base=scope.base and scope.base[0],
            fresh=self.fresh,
        )
        return make_engine(self.choice, context, EngineConfig(log=logs / "dagger.log"))


async def with_engine(bench: BenchRun, order: Order) -> None:
    """Opens an engine and runs the plan's checks as `order` does. A step that fails ends the benchmark."""
    with tempfile.TemporaryDirectory(prefix="predeploy-logs-") as logs:
        scope = bench.scope()
        async with bench.engine(scope, Path(logs)) as engine:

            async def run(check: Check) -> None:
                log = Path(logs) / f"{secrets.token_hex(4)}.log"
                for command in check.commands:
                    if command.environment == "image" and "image" not in engine.provides:
                        continue  # as predeploy does
                    step = given_time(scope.lowering.step(check, command), load=0.0)
                    for environment in scope.lowering.environments(check, command.programs):
                        await engine.prepare(environment, log)
                    exit = await engine.run(step, log)
                    if exit.code not in {0, *command.empty}:
                        text = log.read_text()[-2000:] if log.exists() else ""
                        raise NotGreenError(f"{check.id}: {command.label} ended with {exit}\n{text}")

            await order(scope, engine, run)


async def plain_way(bench: BenchRun) -> None:
    """Runs one stage after another. Within a stage, a check waits only for the checks that it needs."""

    async def order(scope: Scope, _: Engine, run: Runner) -> None:
        for stage in Stage:
            await in_order(scope.plan.of(stage), run)

    await with_engine(bench, order)


async def limit_way(bench: BenchRun) -> None:
    """Runs every check as soon as the checks that it needs are done. Slow preparations start at the beginning."""

    async def order(scope: Scope, engine: Engine, run: Runner) -> None:
        await asyncio.gather(warm(scope.plan, engine, scope.lowering), in_order(scope.plan.checks, run))

    await with_engine(bench, order)


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


def call(module: str, *arguments: str, environ: Mapping[str, str] = os.environ) -> str:
    """Runs a program of this checkout in its own process. Returns its output. Raises NotGreenError if it fails."""
    argv = [sys.executable, "-P", "-m", module, *arguments]
    env = {**environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotGreenError(f"{module}:\n{done.stdout}{done.stderr}", done.stdout + done.stderr)
    return done.stdout + done.stderr
