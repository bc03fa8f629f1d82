"""A process that records scripted runs, as the command line does: one JSON line per run on stdout, nothing on stderr.

usage: python -m tests.flows.recorder_process DATA CACHE RUNS SECONDS [FILE]

With FILE, no check ends before that file exists.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.recording.recorder import watch
from tasks.prefect_server import ServerHandle, ensure_server
from tests.flows.scripted import MIXED, ScriptedRun, lasting


def load_flow() -> Any:
    """The parent flow."""
    from flows.predeploy import predeploy

    return predeploy


async def record_runs(
    connect_to: tuple[Path, Path], runs: int, seconds: float, held_by: Path | None, load_flow: Callable[[], Any]
) -> None:
    """Print the outcome of each record, and whether the report was ready before the recorder ended."""
    environ = dict(os.environ)

    def connect() -> ServerHandle:
        return ensure_server(environ, data_dir=connect_to[0], cache_dir=connect_to[1])

    async def flow() -> object:
        return await load_flow()(stack="cafe", return_state=True)

    for _ in range(runs):
        run = ScriptedRun(lasting(MIXED, seconds), held_by=held_by)
        recording = asyncio.create_task(watch(run, flow, connect))
        await run.report()
        is_pending = not recording.done()
        recorded = await recording
        line = {
            "url": recorded.url,
            "unrecorded": recorded.unrecorded,
            "is_pending": is_pending,
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - the test reads this output


def main(load_flow: Callable[[], Any] = load_flow) -> None:
    """Leave the caller's directory, as the command line does, and end without waiting for any thread."""
    data, cache, runs, seconds, *held_by = sys.argv[1:]
    neutral = Path(cache) / "empty"
    neutral.mkdir(parents=True, exist_ok=True)
    os.chdir(neutral)
    until = Path(held_by[0]) if held_by else None
    asyncio.run(record_runs((Path(data), Path(cache)), int(runs), float(seconds), until, load_flow))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
