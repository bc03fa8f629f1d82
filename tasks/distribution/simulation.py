"""Simulates a run on several workers, from the durations and loads of earlier runs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.distribution.shards import Shard, make_shards
from tasks.execution.durations import CheckHistory
from tasks.execution.scheduling import MOST, UNKNOWN, admitted, claims
from tasks.planning.plan import Plan
from tasks.steps import Check

WORKERS = (1, 4, 16)
"""The numbers of workers that are compared. One worker is a run that is not distributed."""
SHARD_START = 5.0
"""Seconds until the first check of a shard: a worker claims its run, starts a process, and fetches the commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRun:
    """A run on so many workers. `idle` is the part of all workers' time in which no check runs, from 0 to 1."""

    workers: int
    shards: tuple[Shard, ...]
    seconds: float
    idle: float


def simulate(plan: Plan, history: CheckHistory, *, workers: int, cores: int) -> SimulatedRun:
    """Returns the run of the plan on workers with so many cores each. Shards are those of a real run."""
    everything = tuple(check.id for check in plan.checks)
    shards = (
        make_shards(plan, history.seconds, workers) if workers > 1 else (Shard(checks=everything, owns=everything),)
    )
    start = SHARD_START if workers > 1 else 0.0
    spans = [duration(tuple(plan[check] for check in shard.checks), history, cores=cores) for shard in shards]
    seconds = start + max(spans, default=0.0)
    idle = 1 - sum(spans) / (workers * seconds) if seconds else 0.0
    return SimulatedRun(workers=workers, shards=shards, seconds=seconds, idle=idle)


def duration(checks: Sequence[Check], history: CheckHistory, *, cores: int) -> float:
    """Returns the seconds of these checks on one machine, with the order in which the executor starts them."""
    claimed = claims(checks, history.seconds, history.loads)
    waiting = sorted(checks, key=lambda check: -claimed[check.id].weight)
    ends: dict[str, float] = {}
    running: dict[str, float] = {}
    now = 0.0
    while waiting or running:
        ready = [check for check in waiting if all(need in ends for need in check.needs if need not in check.presumed)]
        taken = [claimed[check_id] for check_id in running]
        chosen = [
            ready[index]
            for index in admitted([claimed[each.id] for each in ready], taken, slots=MOST * cores, cores=cores)
        ]
        running |= {check.id: now + history.seconds.get(check.id, UNKNOWN) for check in chosen}
        waiting = [check for check in waiting if check not in chosen]
        now = min(running.values())
        ends |= {check_id: end for check_id, end in running.items() if end <= now}
        running = {check_id: end for check_id, end in running.items() if end > now}
    return now


def render_simulation(plan: Plan, history: CheckHistory, *, cores: int) -> str:
    """Returns the table of the simulated runs, and what it is made of."""
    known = sum(check.id in history.seconds for check in plan.checks)
    runs = [simulate(plan, history, workers=workers, cores=cores) for workers in WORKERS]
    lines = [
        f"Simulated with the durations of earlier runs, which {known} of {len(plan.checks)} checks have.",
        f"Each worker has {cores} cores, and a shard takes {SHARD_START:g} s to start. All packages are installed, and",
        "no result is reused:",
        "  workers  shards  seconds  speed-up  idle",
    ]
    for run in runs:
        faster = runs[0].seconds / run.seconds if run.seconds else 1.0
        cells = (run.workers, len(run.shards), f"{run.seconds:.1f}", f"{faster:.1f} x", f"{run.idle:.0%}")
        lines.append("".join(f"{cell:>{width}}" for cell, width in zip(cells, (9, 8, 9, 10, 6), strict=True)))
    return "\n".join(lines)
