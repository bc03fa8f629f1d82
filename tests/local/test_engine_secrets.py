"""Secrets of steps: who gets them, and that nothing which the engine writes shows them."""

import sys
from pathlib import Path
from typing import Any

from tasks.secrets import Secrets
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER, PYTHON, WORK, Database, Service

VALUE = f"c4n4ry-{WORK}-7Kx2mPv9"
SECRETS = Secrets({"KEY": VALUE, "OTHER": "another-c4n4ry-value"})
SHOW = "import os; print('got', os.environ.get('KEY'), os.environ.get('OTHER'))"
STATEMENT = """
import os, psycopg
try:
    psycopg.connect("").execute("SELECT '" + os.environ["KEY"] + "' FROM nowhere")
except psycopg.Error as error:
    print(error)
"""
ADDRESS = {"PGHOST": DB_HOST, "PGPORT": DB_PORT, "PGUSER": DB_USER, "PGPASSWORD": DB_PASSWORD, "PGDATABASE": DB_NAME}


def files(*places: Path) -> dict[str, bytes]:
    found = [path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): path.read_bytes() for path in found}


async def test_a_step_gets_what_it_declares_as_it_is(bench: Any) -> None:
    assertion = f"import os; assert os.environ['KEY'] == 'c4n4ry-@' + 'work@-7Kx2mPv9'; {SHOW}"
    step = bench.step(PYTHON, "-c", assertion, secrets=("KEY",), env=(("KEY", "of the settings"),))

    async with bench.engine(secrets=SECRETS) as engine:
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.stdout) == (0, "got *** None\n"), exit.stderr
    assert "got *** None" in bench.written()


async def test_a_step_without_gets_none(bench: Any) -> None:
    async with bench.engine(secrets=SECRETS, environ={"KEY": VALUE, "PATH": "/usr/bin:/bin"}) as engine:
        exit = await engine.run(bench.step(PYTHON, "-c", SHOW), bench.log)

    assert exit.stdout == "got None None\n"


async def test_the_command_itself_is_masked(bench: Any) -> None:
    async with bench.engine(secrets=SECRETS) as engine:
        exit = await engine.run(bench.step(SECRETS["OTHER"], "--verbose"), bench.log)

    assert exit.code == 127
    assert "*** " in exit.detail
    assert "$ *** --verbose\n" in bench.written()
    assert "c4n4ry" not in bench.written() + str(exit)


async def test_what_only_looked_like_a_value_is_kept(bench: Any) -> None:
    start = SECRETS["OTHER"][:-1]
    async with bench.engine(secrets=SECRETS) as engine:
        script = f"echo out; printf {start}; echo err >&2; printf {start} >&2"
        exit = await engine.run(bench.step("sh", "-c", script), bench.log)

    assert (exit.stdout, exit.stderr) == (f"out\n{start}", f"err\n{start}")
    assert bench.written().rpartition("$")[2].count(start) == 4


async def test_a_server_gets_its_own_and_is_masked(bench: Any) -> None:
    ends = f"{SHOW}; raise SystemExit(os.environ['OTHER'])"
    service = Service(name="server", argv=(sys.executable, "-c", ends), cwd=".", secrets=("OTHER",))
    step = bench.step(PYTHON, "-c", f"{SHOW}; import time; time.sleep(20)", secrets=("KEY",), service=service)

    async with bench.engine(secrets=SECRETS) as engine:
        exit = await engine.run(step, bench.log)

    assert exit.service is not None
    assert sorted(exit.service.output.splitlines()) == ["***", "got None ***"]
    assert not [name for name, content in files(bench.log.parent, bench.cache).items() if b"c4n4ry" in content]


async def test_statements_in_the_log_of_postgres_are_masked(bench: Any) -> None:
    step = bench.step(
        sys.executable,
        "-c",
        STATEMENT,
        secrets=("KEY",),
        env=tuple(ADDRESS.items()),
        database=Database(name="secrets"),
    )

    async with bench.engine(secrets=SECRETS) as engine:
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.trouble) == (0, ""), (exit.stdout, exit.stderr, exit.detail)
    assert "SELECT '***' FROM nowhere" in exit.stdout
    assert "SELECT '***' FROM nowhere" in bench.log.with_name("postgres.log").read_text()
    assert not [name for name, content in files(bench.log.parent).items() if b"c4n4ry" in content]
