"""Behaviour of a real container engine beyond the common contract: cached results, images, a cut connection."""

import asyncio
import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.dagger.reach import RUNNER_HOST
from tasks.steps import (
    Image,
)
from tests.support.benches import hello, unreachable

if REASON := unreachable():  # skips the whole module once
    pytest.skip(f"the tests on a real engine of containers: {REASON}", allow_module_level=True)

pytestmark = [pytest.mark.real, pytest.mark.network]


async def test_pass_is_cached_and_failure_is_not(bench: Any) -> None:
    seen = []
    for _ in range(2):
        async with bench.engine() as engine:
            good = await engine.run(bench.step("sh", "-c", f"echo {bench.root}"), bench.log)
            bad = await engine.run(bench.step("sh", "-c", f"echo {bench.root}; exit 1", slot="bad"), bench.log)
            asked = bench.step("sh", "-c", f"echo {bench.root}", slot="always", volatile=True)
            seen.append((good.reused, bad.reused, (await engine.run(asked, bench.log)).reused))

    assert seen == [(False, False, False), (True, False, False)]


async def test_stack_may_have_any_name_that_the_file_system_allows(tmp_path: Path) -> None:
    place = tmp_path / "caf\udce9"
    place.mkdir()
    bench = hello(place, name="dagger", cache=tmp_path / "cache")
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("cat", "hello.txt"), tmp_path / "log")

    assert (exit.code, exit.stdout) == (0, "hello\n")


async def test_an_image_is_built_from_its_dockerfile_and_a_command_runs_in_it(bench: Any) -> None:
    (bench.root / "Dockerfile").write_text("FROM python:3.13-slim\nWORKDIR /app\nCOPY hello.txt .\n")
    image = Image(title="the image", dockerfile="Dockerfile")
    async with bench.engine() as engine:
        built = await engine.run(bench.step(image=image), bench.log)
        ran = await engine.run(bench.step("cat", "hello.txt", image=image), bench.log)

    assert built.code == 0, built
    assert (ran.code, ran.stdout, ran.root) == (0, "hello\n", "/app")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FROM python:3.13-slim\nRUN exit 3\n", 1),
        ("FROM python:3.13-slim\nCOPY nope.txt .\n", 2),
        ("FROM python:3.13-slim\nRUNN true\n", 2),
        ("FROM python:3.13-slim\nUSER coffee\n", 2),
        ("FROM python:no-such-tag\n", 3),
        ("FROM python:3.13-slim\nRUN --mount=type=secret,id=T,required=true true\n", 4),
        ("FROM python:3.13-slim\nRUN --mount=type=secret,id=T cat /run/secrets/T\n", 4),
    ],
)
async def test_broken_dockerfile_is_reported_with_its_error(bench: Any, text: str, code: int) -> None:
    (bench.root / "Dockerfile").write_text(text)
    async with bench.engine() as engine:
        exit = await engine.run(bench.step(image=Image(title="the image", dockerfile="Dockerfile")), bench.log)

    assert (exit.code, exit.trouble) == (code, ""), exit
    assert exit.stderr.startswith("# dockerfile Dockerfile\n# begin\n")


async def test_failed_early_build_is_reported_once_and_retried_on_request(bench: Any) -> None:
    run = "cat /proc/sys/kernel/random/uuid; echo built at $(date +%s.%N); exit 3"
    (bench.root / "Dockerfile").write_text(f"FROM python:3.13-slim\nRUN {run}\n")
    step = bench.step(image=Image(title="the image", dockerfile="Dockerfile"))
    async with bench.engine() as engine:
        await engine.warm_image(step)
        asked = time.time()
        first = await engine.run(step, bench.log)
        second, third = [await engine.run(step, bench.log) for _ in range(2)]

    assert [each.code for each in (first, second, third)] == [1, 1, 1]
    built = re.search(r"built at (\d+\.\d+)", first.stdout + first.stderr)
    assert built
    assert float(built[1]) < asked
    assert len({each.stdout for each in (first, second, third)}) == 3


async def test_a_build_that_does_not_end_is_stopped(bench: Any) -> None:
    (bench.root / "Dockerfile").write_text("FROM python:3.13-slim\nRUN sleep 3600\n")
    async with bench.engine() as engine:
        step = bench.step(image=Image(title="the image", dockerfile="Dockerfile"), limit=5.0)
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.timed_out, exit.trouble) == (None, True, "")


async def test_database_without_a_waiter_ends_silently(bench: Any) -> None:
    unheard: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context["message"]))
    async with bench.engine() as engine:
        warming = asyncio.create_task(engine.warm_database())
        await asyncio.sleep(0.1)
        warming.cancel()
    del engine, warming
    gc.collect()

    assert unheard == []


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.support.benches import Bench

async def main():
    bench = Bench(root=Path(sys.argv[1]), base=Path(sys.argv[2]), cache=Path(sys.argv[2], "cache"), name="dagger")
    async with bench.engine() as engine:
        await engine.warm_database()
        print(engine._context.run_id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("is_group", [True, False])
def test_database_of_a_killed_run_ends(bench: Any, *, is_group: bool) -> None:
    """The engine ends a session, and its services, when its client is gone: the next run has nothing to clean up."""
    argv = [sys.executable, "-c", KILLED, str(bench.root), str(bench.base)]
    environ = {**bench.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        if not (run_id and processes_with(run_id)):
            os.killpg(process.pid, signal.SIGKILL)
            pytest.skip("the containers of the engine are not on this machine")
        # a killed run leaves Dagger's command line, which ends by itself
        (os.killpg if is_group else os.kill)(process.pid, signal.SIGKILL)

    until = time.monotonic() + 60
    while processes_with(run_id) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_with(run_id) == []


def processes_with(text: str) -> list[str]:
    """The processes of containers with a text in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if text.encode() in place.read_bytes():
                found.append((place.parent / "comm").read_text().strip())
    return found


async def test_lost_engine_is_no_verdict_and_is_detected_soon(bench: Any) -> None:
    """A proxy that is cut simulates an engine that ends."""
    path = bench.environ[RUNNER_HOST].removeprefix("unix://")
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_unix_connection(path)
        writers.extend((writer, behind[1]))
        tasks.extend((asyncio.create_task(pump(reader, behind[1])), asyncio.create_task(pump(behind[0], writer))))

    proxy = await asyncio.start_server(through, "127.0.0.1", 0)
    host = f"tcp://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    engine = bench.engine(environ={**bench.environ, RUNNER_HOST: host})
    async with engine:
        assert (await engine.run(bench.step("true"), bench.log)).code == 0
        running = asyncio.create_task(engine.run(bench.step("sleep", "60", slot="long"), bench.log))
        await asyncio.sleep(1)
        proxy.close()
        for writer in writers:
            writer.transport.abort()
        async with asyncio.timeout(15):
            exit = await running
        assert (exit.code, exit.trouble) == (None, "engine_lost")
        trouble = await engine.trouble()
        assert trouble is not None
        assert trouble[0] == "engine_lost"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
