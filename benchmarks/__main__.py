"""Prints the table of the benchmark. No test asserts its numbers: wall times depend on the machine.

Three ways to check the same stack on the same engine:

- plain: asyncio, the three stages one after another, all checks of a stage at once. In containers this is a separate
  program, `benchmarks/plain_dagger.py`; on the local engine it is predeploy's steps in that order.
- limit: predeploy's steps, each as soon as the checks that it needs are done, without Prefect and the report.
- ours: the whole command line in its own process, with Prefect's record and the report.

Checks that only predeploy has (the Worker's runtime, the form, the upgrade) are left out. The whole integration stage
is measured separately below the table. It runs after an edit, so that only installed packages are cached. The last line
has the size of the text for coding agents, of a green run and of a red one.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex

from benchmarks.ways import ALONE, ROOT, NotGreenError, call, limit_way, plain_way, printed, scope_of
from tasks.engines.choice import EngineChoice, choose_engine
from tasks.errors import PredeployError
from tasks.user_dirs import REPORTS, UserDirs

Way = Callable[[], None]
Edit = tuple[str, str]
CASES: dict[str, Edit | None] = {
    "nothing changed": None,
    "one Django file edited": ("apps/web/menu/views.py", "\n\n# edited {}\n"),
    "one site file edited": ("sites/coffee-shop/src/pages/index.astro", "<!-- edited {} -->\n"),
}
MISTAKES = {
    "apps/web/menu/views.py": ("on_the_menu()", "on_menu()"),
    "workers/intake/wrangler.jsonc": ('"CLIENTS"', '"CLIENT"'),
    "sites/coffee-shop/src/pages/index.astro": ('"/coffees/"', '"/coffee/"'),
}
HEAD = ("case", "plain s", "limit s", "ours s", "ours / plain", "over the limit")


def edit(stack: Path, case: str) -> None:
    """Makes the edit of a case. Each edit is unique, so that no cached result fits it."""
    change = CASES[case]
    if change is not None:
        with (stack / change[0]).open("a", encoding="utf-8") as file:
            file.write(change[1].format(token_hex(4)))


def ways_of(stack: Path, choice: EngineChoice) -> dict[str, Way]:
    """Returns the three ways on an engine."""
    user_dirs = UserDirs.of_user()

    def plain() -> None:
        if choice.name == "dagger":
            call("benchmarks.plain_dagger", str(stack))
        else:
            asyncio.run(plain_way(scope_of(stack, user_dirs), user_dirs, choice))

    def limit() -> None:
        asyncio.run(limit_way(scope_of(stack, user_dirs), user_dirs, choice))

    def ours() -> None:
        skipped = (word for check in ALONE for word in ("--skip", check))
        call("flows.predeploy", str(stack), "--engine", choice.name, "--output", "agent", *skipped)

    return {"plain": plain, "limit": limit, "ours": ours}


def timed(way: Way, name: str) -> float:
    """Returns the seconds that a way takes, and prints them with the load of the machine."""
    begun = time.perf_counter()
    way()
    taken = time.perf_counter() - begun
    print(f"{name}: {taken:.1f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return taken


def measure(stack: Path, case: str, rounds: int, ways: Mapping[str, Way]) -> dict[str, float]:
    """Returns the median seconds of each way. The ways take turns, so that changes of the load affect all."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            edit(stack, case)
            seconds[name].append(timed(way, f"{case}, {name}"))
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def row(case: str, *, plain: float, limit: float, ours: float) -> str:
    """Returns a line of the table."""
    numbers = (*(f"{seconds:.1f}" for seconds in (plain, limit, ours)), f"{ours / plain:.2f}", f"{ours - limit:+.1f} s")
    return f"| {' | '.join((case, *numbers))} |"


def commit(stack: Path) -> None:
    """Makes the stack a repository with one commit, which is the base of the upgrade check."""
    author = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*author, "commit", "--quiet", "--message", "what is deployed"),
    ):
        subprocess.run(("git", *words), cwd=stack, check=True)


def integration(stack: Path, choice: EngineChoice) -> float:
    """Returns the seconds from the start of the integration stage's first check to the end of the last one."""
    edit(stack, "one Django file edited")
    call("flows.predeploy", str(stack), "--engine", choice.name, "--output", "agent", "--stage", "integration")
    report = json.loads((stack / REPORTS / "latest" / "report.json").read_text(encoding="utf-8"))
    return float(report["stages"]["integration"]["duration_seconds"])


def sizes(stack: Path, choice: EngineChoice) -> str:
    """Returns the bytes that a coding agent reads of a green run, and of a red one with three mistakes."""
    words = ("flows.predeploy", str(stack), "--engine", choice.name, "--output", "agent")
    edit(stack, "one Django file edited")
    green = printed(*words)
    for name, (before, after) in MISTAKES.items():
        place = stack / name
        place.write_text(place.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    red = printed(*words)
    return f"text for agents: {green} bytes of a green run, {red} bytes of a red one"


def read_options() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="just bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("auto", "dagger", "local"), default="auto", help="as for predeploy")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way in each case (default: 3)")
    parser.add_argument("--case", choices=tuple(CASES), action="append", help="run only this case; repeatable")
    parser.add_argument(
        "--stack", type=Path, default=ROOT / "examples" / "cafe", help="the sample stack, or a copy of it"
    )
    return parser.parse_args()


def main() -> int:
    options = read_options()
    choice = asyncio.run(choose_engine(options.engine, os.environ))
    with tempfile.TemporaryDirectory(prefix="predeploy-bench-") as room:
        stack = Path(room) / "stack"
        shutil.copytree(options.stack, stack, ignore=shutil.ignore_patterns(REPORTS, "node_modules"))
        commit(stack)
        ways = ways_of(stack, choice)
        for name, way in ways.items():
            timed(way, f"the first run, which installs packages, {name}")
        print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
        for case in options.case or CASES:
            print(row(case, **measure(stack, case, options.rounds, ways)), flush=True)
        if not options.case:
            taken = statistics.median(integration(stack, choice) for _ in range(options.rounds))
            print(f"\nthe whole integration stage: {taken:.1f} s")
            print(sizes(stack, choice))
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except NotGreenError as error:
        raise SystemExit(f"a run failed, so its time cannot be measured: {error}") from None
    except PredeployError as error:
        raise SystemExit(f"bench: {error}") from None
