"""Databases of steps, on the one Postgres of their run."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tasks.exits import Exit
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_URL, DB_USER, PYTHON, Database, Service
from tests.engines.conformance.packages import lock_of, python_packages
from tests.support.benches import Bench, Opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.real, pytest.mark.network]

ASK = """
import psycopg, sys
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    done = connection.execute(sys.argv[2])
    print(*done.fetchone()) if done.description else print(done.statusmessage)
"""


@pytest.fixture(scope="module")
def module_bench(module_bench: Bench, shared_cache: Path) -> Bench:
    """A stack that locks a client of Postgres, with a cache of downloaded servers."""
    (module_bench.root / "requirements.lock").write_text(lock_of("psycopg", "psycopg-binary", "typing-extensions"))
    return replace(module_bench, cache=shared_cache)


async def ask(opened: Opened, database: Database, query: str, url: str = DB_URL, **over: Any) -> Exit:
    packages = python_packages(opened.bench)
    exit = await opened.run("python", "-c", ASK, url, query, database=database, environment=packages, **over)
    assert not exit.trouble, exit
    return exit


async def test_server_can_be_started_in_advance_and_has_no_trouble(opened: Opened) -> None:
    await asyncio.gather(*[opened.engine.warm_database(()) for _ in range(2)])

    assert await opened.engine.trouble() is None


async def test_each_name_is_a_database_that_lasts_as_long_as_the_run(opened: Opened) -> None:
    made, other = Database(name="made"), Database(name="other")
    await ask(opened, made, "CREATE TABLE t AS SELECT 42 AS x")
    again = await ask(opened, made, "SELECT x FROM t")
    elsewhere = await ask(opened, other, "SELECT x FROM t")

    assert again.stdout == "42\n", again.stderr
    assert (elsewhere.code, elsewhere.stdout) == (1, "")
    assert 'relation "t" does not exist' in elsewhere.stderr


async def test_database_copy_has_the_template_s_rows_and_is_independent(opened: Opened) -> None:
    template = Database(name="template_1")
    copies = [Database(name=f"copy_{number}", template="template_1") for number in range(2)]
    await ask(opened, template, "CREATE TABLE t AS SELECT 42 AS x")
    copied = await asyncio.gather(*[ask(opened, copy, "SELECT x FROM t") for copy in copies])
    await ask(opened, copies[0], "DROP TABLE t")
    kept = [await ask(opened, each, "SELECT x FROM t") for each in (template, copies[1])]

    assert [exit.stdout for exit in (*copied, *kept)] == ["42\n"] * 4, copied


async def test_tokens_and_url_of_a_database_agree(opened: Opened) -> None:
    tokens = (DB_URL, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME)
    exit = await opened.run("printf", "%s\\n", *tokens, database=Database(name="named"))

    text, *parts = exit.stdout.split()
    url = urlsplit(text)
    assert [url.hostname, str(url.port), url.username, url.password, url.path.removeprefix("/")] == parts
    assert parts[-1] == "named"
    assert len(parts[3]) >= 32


async def test_a_wrong_password_is_refused(opened: Opened) -> None:
    url = f"postgresql://{DB_USER}:wrong@{DB_HOST}:{DB_PORT}/{DB_NAME}"
    exit = await ask(opened, Database(name="closed"), "SELECT 1", url)

    assert exit.code == 1
    assert "password authentication failed" in exit.stderr


async def test_copy_of_a_missing_template_is_no_verdict(opened: Opened) -> None:
    exit = await opened.run("true", database=Database(name="orphan", template="nobody"))

    assert (exit.code, exit.trouble) == (None, "postgres")
    assert "nobody" in exit.detail


async def test_server_uses_the_same_database_as_its_step(opened: Opened) -> None:
    shared = Database(name="shared")
    packages = python_packages(opened.bench)
    argv = ("python", "-c", f"{ASK}\nimport time; time.sleep(60)", DB_URL, "CREATE TABLE of_the_server ()")
    server = Service(name="server", argv=argv, cwd=".", environment=packages, database=shared)
    wait = (
        'until python -c "$0" "$1" "SELECT \'there\' FROM pg_tables WHERE tablename = \'of_the_server\'" | grep there;'
        " do sleep 0.1; done"
    )
    exit = await opened.run(
        "sh", "-c", wait, ASK, DB_URL, database=shared, environment=packages, services=(server,), limit=30
    )

    assert (exit.code, exit.stdout) == (0, "there\n"), exit


async def test_failure_with_a_healthy_database_is_the_programs_own(opened: Opened) -> None:
    exit = await opened.run(PYTHON, "-c", "raise SystemExit(3)", database=Database(name="well"))

    assert (exit.code, exit.trouble) == (3, "")
    assert await opened.engine.trouble() is None
