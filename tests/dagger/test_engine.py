"""Steps on a real engine of containers: what the embedded engine promises, held by this one too."""

import asyncio
import base64
from typing import Any
from urllib.parse import quote

import pytest

from tasks.engines.dagger.reach import RUNNER_HOST
from tasks.secrets import Secrets
from tasks.steps import (
    CACHE,
    DB_HOST,
    DB_NAME,
    DB_URL,
    DB_USER,
    OUT,
    PROBES,
    PYTHON,
    SERVER_HOST,
    SERVER_PORT,
    WORK,
    Database,
    Image,
    Inputs,
    Service,
)
from tests.benches import unreachable

if REASON := unreachable():  # said once, not for every test
    pytest.skip(f"the tests on a real engine of containers: {REASON}", allow_module_level=True)

pytestmark = [pytest.mark.real, pytest.mark.network]


async def test_a_step_runs_in_a_copy_of_the_tree(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", "cat hello.txt; pwd; echo oops >&2; exit 3"), bench.log)

    assert (exit.code, exit.stdout, exit.stderr, exit.trouble) == (3, f"hello\n{exit.root}\n", "oops\n", "")
    assert "exit 3" in bench.log.read_text()


async def test_tokens_lead_to_places_that_are_there(bench: Any) -> None:
    script = "test -d $1 -a -d $2 -a -d $3 -a -d $4 && test -z \"$(ls $2)\" && $5 -c 'import ssl' && echo $MINE"
    step = bench.step("sh", "-c", script, "-", WORK, OUT, CACHE, PROBES, PYTHON, env=(("MINE", f"<{WORK}>"),))
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.stdout) == (0, f"<{exit.root}>\n")


async def test_steps_of_a_slot_share_its_directories_and_other_slots_do_not(bench: Any) -> None:
    async with bench.engine() as engine:
        await engine.run(bench.step("sh", "-c", f"touch made {OUT}/made {CACHE}/made"), bench.log)
        second = await engine.run(bench.step("ls", "made", f"{OUT}/made", f"{CACHE}/made"), bench.log)
        other = await engine.run(bench.step("ls", "made", slot="other"), bench.log)
        anew = await engine.run(bench.step("ls", "made", begins=True), bench.log)

    assert second.code == 0
    assert other.code != 0
    assert anew.code != 0


async def test_a_step_sees_its_inputs_only(bench: Any) -> None:
    (bench.root / "apps").mkdir()
    (bench.root / "apps/main[1].py").touch()
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("find", ".", "-type", "f", inputs=Inputs(include=("apps",))), bench.log)
        without = await engine.run(
            bench.step("find", ".", "-type", "f", slot="b", inputs=Inputs(exclude=("apps/main[1].py",))), bench.log
        )

    assert exit.stdout == "./apps/main[1].py\n"
    assert without.stdout == "./hello.txt\n"


async def test_a_pass_is_remembered_and_a_failure_is_not(bench: Any) -> None:
    seen = []
    for _ in range(2):
        async with bench.engine() as engine:
            good = await engine.run(bench.step("sh", "-c", f"echo {bench.root}"), bench.log)
            bad = await engine.run(bench.step("sh", "-c", f"echo {bench.root}; exit 1", slot="bad"), bench.log)
            asked = bench.step("sh", "-c", f"echo {bench.root}", slot="always", volatile=True)
            seen.append((good.reused, bad.reused, (await engine.run(asked, bench.log)).reused))

    assert seen == [(False, False, False), (True, False, False)]


async def test_output_is_kept_whole(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", "seq 1 200000; exit 1"), bench.log)

    assert exit.stdout.startswith("1\n")
    assert exit.stdout.endswith("200000\n")


async def test_a_step_over_its_limit_is_ended(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sh", "-c", "echo begun; sleep 300", limit=0.5), bench.log)

    assert (exit.code, exit.timed_out, exit.stdout) == (None, True, "begun\n")


async def test_each_step_has_its_database_and_copies_of_it(bench: Any) -> None:
    made = Database(name="made_1")
    copied = Database(name="copied_1", template="made_1")
    script = (
        "import socket,sys; socket.create_connection((sys.argv[1], 5432), 5).close(); print(sys.argv[2], sys.argv[3])"
    )
    async with bench.engine() as engine:
        for database in (made, copied):
            step = bench.step(PYTHON, "-c", script, DB_HOST, DB_NAME, DB_USER, database=database)
            exit = await engine.run(step, bench.log)
            assert (exit.code, exit.stdout.split()[0]) == (0, database.name), exit
        assert await engine.trouble() is None


async def test_a_token_that_stands_for_nothing_is_our_own_mistake(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("echo", DB_URL), bench.log)

    assert (exit.code, exit.trouble) == (None, "internal")


def server(*argv: str) -> Service:
    return Service(name="server", argv=argv, cwd=".")


async def test_a_server_runs_beside_its_step(bench: Any) -> None:
    serving = server(PYTHON, "-m", "http.server", "--bind", SERVER_HOST, SERVER_PORT)
    ask = (
        "import sys,time,urllib.request as u\n"
        "for _ in range(100):\n"
        "  try: print(u.urlopen(f'http://{sys.argv[1]}:{sys.argv[2]}/hello.txt').read().decode()); break\n"
        "  except OSError: time.sleep(0.1)\n"
    )
    async with bench.engine() as engine:
        exit = await engine.run(bench.step(PYTHON, "-c", ask, SERVER_HOST, SERVER_PORT, service=serving), bench.log)

    assert (exit.code, exit.stdout) == (0, "hello\n\n"), exit


async def test_a_server_that_ends_takes_its_step_along_and_its_last_words_are_kept(bench: Any) -> None:
    serving = server("sh", "-c", "echo last words; exit 7")
    async with bench.engine() as engine:
        exit = await engine.run(bench.step("sleep", "60", service=serving), bench.log)

    assert exit.service is not None
    assert (exit.code, exit.service.code, exit.service.output) == (None, 7, "last words\n")


async def test_secrets_reach_the_step_and_nothing_that_we_keep(bench: Any) -> None:
    value = "canary-s3cr3t/value with=signs"
    forms = (value, base64.b64encode(value.encode()).decode(), quote(value, safe=""))
    script = (
        "import base64,os,urllib.parse as u; v=os.environ['KEY'];"
        "print(len(v), v, base64.b64encode(v.encode()).decode(), u.quote(v, safe=''))"
    )
    async with bench.engine(secrets=Secrets({"KEY": value})) as engine:
        exit = await engine.run(bench.step(PYTHON, "-c", script, secrets=("KEY",)), bench.log)

    assert exit.stdout.startswith(f"{len(value)} ")
    kept = [exit.stdout, *(path.read_text(errors="replace") for path in bench.base.rglob("*.log"))]
    assert not [form for form in forms for text in kept if form in text]


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
        ("FROM python:no-such-tag\n", 3),
    ],
)
async def test_a_broken_dockerfile_says_how_it_is_broken(bench: Any, text: str, code: int) -> None:
    (bench.root / "Dockerfile").write_text(text)
    async with bench.engine() as engine:
        exit = await engine.run(bench.step(image=Image(title="the image", dockerfile="Dockerfile")), bench.log)

    assert (exit.code, exit.trouble) == (code, ""), exit
    assert exit.stderr.startswith("# dockerfile Dockerfile\n# begin\n")


async def test_an_engine_that_goes_away_is_no_verdict_and_found_out_soon(bench: Any) -> None:
    """A proxy that is cut stands for an engine that dies."""
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
