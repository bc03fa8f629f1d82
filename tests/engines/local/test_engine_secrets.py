"""Secrets of steps on the embedded engine: the log of its Postgres shows none."""

import sys
from pathlib import Path
from typing import Any

from tasks.secrets import Secrets
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER, Database

SECRETS = Secrets({"KEY": "c4n4ry-7Kx2mPv9"})
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
