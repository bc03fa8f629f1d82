"""Measures whole runs, and prints tables. No test asserts their numbers: wall times depend on the machine.

Three ways to check the same stack on the same engine, in turns:

- plain: asyncio, the three stages one after another, all checks of a stage at once. In containers this is a separate
  program, `benchmarks/plain_dagger.py`, which only fits the sample: with another stack the column is empty. On the
  embedded engine it is predeploy's steps in that order.
- limit: predeploy's steps, each as soon as the checks that it needs are done, without Prefect and the report.
- ours: the whole command line in its own process, with Prefect's record and the report.

Each cell has the median, and the least and greatest value. A second table has the parts of our runs, from their traces.
CPU seconds are those of a way's processes, without the Prefect server; with containers, those of the machine. Checks
that only predeploy has (the Worker's runtime, the form, the upgrade) are left out. For the sample, a last line has the
size of the text for coding agents. All caches are below a directory of the benchmark's own.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.sizes import text_sizes
from benchmarks.stacks import BenchStack, copy_stack
from benchmarks.tables import Measured, document_of, parts_table, time_table
from benchmarks.ways import ROOT, NotGreenError
from tasks.engines.choice import EngineChoice, choose_engine
from tasks.engines.machine import processors
from tasks.errors import PredeployError

SAMPLE = ROOT / "examples" / "cafe"


def read_options() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="just bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--engine",
        choices=("dagger", "local"),
        action="append",
        help="repeatable (default: both)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way in each row (default: 3)")
    parser.add_argument("--cold-rounds", type=int, default=1, help="the same for the row `cold` (default: 1)")
    parser.add_argument("--case", choices=tuple(CASES), action="append", help="measure only this row; repeatable")
    parser.add_argument("--stack", type=Path, action="append", help="repeatable (default: the sample)")
    parser.add_argument("--skip", action="append", default=[], help="leave out a check, for every way; repeatable")
    parser.add_argument(
        "--prune-engine",
        action="store_true",
        help="containers: empty the engine's cache for the row `cold`, which is left out otherwise",
    )
    parser.add_argument("--json", type=Path, help="also write all samples to this file")
    return parser.parse_args()


def engines_of(asked: list[str] | None) -> list[EngineChoice]:
    """Returns the engines to measure: the named ones, or the embedded one and containers if they answer."""
    names = asked or ["local", "auto"]
    found = [asyncio.run(choose_engine(name, os.environ)) for name in names]
    return list({choice.name: choice for choice in found}.values())


def measure(bench: BenchStack, options: argparse.Namespace) -> list[Measured]:
    """Measures the rows, and prints the tables of one stack on one engine."""
    print(f"\n{bench.title}: {bench.choice.name}, {processors()} cores, load {os.getloadavg()[0]:.1f}\n", flush=True)
    bench.warm_up()
    rows = []
    for name in options.case or CASES:
        if reason := bench.lacks(CASES[name], prunes=options.prune_engine):
            print(f"left out: {CASES[name].name}: {reason}", file=sys.stderr, flush=True)
            continue
        rows.append(bench.measured(CASES[name], options.cold_rounds if CASES[name].cold else options.rounds))
    print("\n".join(time_table(rows, of_machine=bench.choice.name == "dagger")), end="\n\n")
    print("\n".join(parts_table(rows)), flush=True)
    if bench.is_sample and not options.case:
        print(f"\n{text_sizes(bench)}", flush=True)
    return rows


def main() -> int:
    options = read_options()
    documents = []
    for source in options.stack or [SAMPLE]:
        for choice in engines_of(options.engine):
            with tempfile.TemporaryDirectory(prefix="predeploy-bench-", ignore_cleanup_errors=True) as room:
                stack = copy_stack(source, Path(room) / "stack")
                is_sample = source.resolve() == SAMPLE.resolve()
                bench = BenchStack(
                    title=source.name, stack=stack, choice=choice, is_sample=is_sample, more=tuple(options.skip)
                )
                try:
                    rows = measure(bench, options)
                finally:
                    bench.close()
                documents.append({"stack": source.name, "engine": choice.name, "rows": document_of(rows)})
    if options.json:
        machine = {"cores": processors(), "system": platform.platform(), "python": platform.python_version()}
        text = json.dumps({"machine": machine, "measured": documents}, indent=1)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except NotGreenError as error:
        raise SystemExit(f"a run failed, so its time cannot be measured: {error}") from None
    except PredeployError as error:
        raise SystemExit(f"bench: {error}") from None
