"""Prints the table of the benchmark. Nothing of it is asserted anywhere: wall times belong to a machine.

Three ways over the same steps of the same plan:

- plain: asyncio, the three stages one after another, all checks of a stage at once;
- limit: every check as soon as what it needs is done, with nothing around it;
- ours: the whole command line in a process of its own, with Prefect's record and the report.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.ways import limit_way, plain_way, scope_of
from flows.places import Places

ROOT = Path(__file__).parents[1]
Edit = tuple[str, str]
CASES: dict[str, Edit | None] = {
    "nothing changed": None,
    "one Django file edited": ("apps/web/menu/views.py", "\n\n# edited {}\n"),
    "one site file edited": ("sites/coffee-shop/src/pages/index.astro", "<!-- edited {} -->\n"),
}


def edit(stack: Path, case: str, turn: str) -> None:
    """Makes the case's edit, different each time."""
    change = CASES[case]
    if change is not None:
        with (stack / change[0]).open("a", encoding="utf-8") as file:
            file.write(change[1].format(turn))


def our_way(stack: Path) -> None:
    """The command line, as everybody calls it."""
    argv = [sys.executable, "-P", "-m", "flows.predeploy", str(stack), "--output", "agent"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the sample is not green, so nothing can be measured:\n{done.stdout}{done.stderr}")


def timed(way: Callable[[], Awaitable[None] | None]) -> float:
    """Seconds that one way takes."""
    begun = time.perf_counter()
    work = way()
    if work is not None:
        asyncio.run(_awaited(work))
    return time.perf_counter() - begun


async def _awaited(work: Awaitable[None]) -> None:
    await work


def measure(stack: Path, case: str, rounds: int) -> tuple[float, float, float]:
    """Medians of plain, limit and ours, taken in turns so that all see the same machine."""
    places = Places.of_user()
    ways: dict[str, Callable[[], Awaitable[None] | None]] = {
        "plain": lambda: plain_way(scope_of(stack, places), places),
        "limit": lambda: limit_way(scope_of(stack, places), places),
        "ours": lambda: our_way(stack),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, way in ways.items():
            edit(stack, case, f"{turn} {name}")
            seconds[name].append(timed(way))
    plain, limit, ours = (statistics.median(taken) for taken in seconds.values())
    return plain, limit, ours


def main() -> int:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stack", type=Path, default=ROOT / "examples" / "cafe")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="predeploy-bench-") as room:
        stack = Path(room) / "stack"
        shutil.copytree(options.stack, stack, ignore=shutil.ignore_patterns(".predeploy", "node_modules"))
        our_way(stack)  # brings everything that has to be installed
        print(f"| case | plain s | limit s | ours s | ours / plain | over the limit |\n|{' --- |' * 6}")
        for case in CASES:
            plain, limit, ours = measure(stack, case, options.rounds)
            cells = (
                case,
                f"{plain:.1f}",
                f"{limit:.1f}",
                f"{ours:.1f}",
                f"{ours / plain:.2f}",
                f"+ {ours - limit:.1f} s",
            )
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
