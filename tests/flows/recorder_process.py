"""A process that records scripted runs, as the command line does: one JSON line per run on stdout, nothing on stderr.

usage: python -m tests.flows.recorder_process DATA CACHE RUNS SECONDS [FILE]

With a file, no check ends before it is there.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from flows.recording.recorder import watch
from tasks.prefect_server import ServerHandle, ensure_server
from tests.flows.scripted import MIXED, ScriptedRun, lasting


async def flow() -> object:
    """The parent flow, imported in the recorder's thread."""
    from flows.predeploy import predeploy

    return await predeploy(stack="cafe", return_state=True)


async def record_runs(connect_to: tuple[Path, Path], runs: int, seconds: float, held_by: Path | None) -> None:
    """Say when the checks began, when the report was there, and when the recording had ended."""
    environ = dict(os.environ)

    def connect() -> ServerHandle:
        return ensure_server(environ, data_dir=connect_to[0], cache_dir=connect_to[1])

    for _ in range(runs):
        begun = time.monotonic()
        run = ScriptedRun(lasting(MIXED, seconds), held_by=held_by)
        recording = asyncio.create_task(watch(run, flow, connect))
        await run.report()
        reported = time.monotonic()
        recorded = await recording
        line = {
            "url": recorded.url,
            "unrecorded": recorded.unrecorded,
            "work": reported - begun,
            "after": time.monotonic() - reported,
            "reported": reported,
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - its output is what it is for


def main() -> None:
    """Leave the caller's directory, as the command line does, and end without waiting for anybody."""
    data, cache, runs, seconds, *held_by = sys.argv[1:]
    neutral = Path(cache) / "empty"
    neutral.mkdir(parents=True, exist_ok=True)
    os.chdir(neutral)
    asyncio.run(
        record_runs((Path(data), Path(cache)), int(runs), float(seconds), Path(held_by[0]) if held_by else None)
    )
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
