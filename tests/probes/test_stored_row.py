"""stored_row.py inside a real Django project: rows that its model can read, and the findings for all others."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.neon_bench import make_database

pytestmark = [pytest.mark.real, pytest.mark.network]

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["inbox"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", {values}}}}}
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
MODELS = """from django.db import models


class Submission(models.Model):
    name = models.CharField(max_length=9)
    count = models.IntegerField()
    handled = models.BooleanField(default=False)
    at = models.DateTimeField()
    data = models.JSONField(null=True)

    class Meta:
        db_table = "inbox_submission"
"""
GOOD = {"id": "bigserial", "name": "text", "count": "int", "handled": "bool", "at": "timestamptz", "data": "jsonb"}
VALUES = ("Ada", "3", "true", "2026-01-01 10:00+00", '{"a": [1]}')


def look(postgres: str, folder: Path, python: str, *, table: str = "inbox_submission", **columns: str) -> ProbeResult:
    """Runs the probe on a row in a table with these column types. An empty type leaves the column out."""
    database = make_database(postgres, f"stored_{abs(hash(folder)) % 10**12}")
    kinds = {name: kind for name, kind in (GOOD | columns).items() if kind}
    names = [name for name in kinds if name != "id"]
    given = dict(zip([name for name in GOOD if name != "id"], VALUES, strict=True))
    with psycopg.connect(database, autocommit=True) as connection:
        body = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        connection.execute(f"CREATE TABLE inbox_submission ({body})".encode())
        values = ", ".join(f"%s::text::{kinds[name]}" for name in names)
        into = f"inbox_submission ({', '.join(names)})"
        query = f"INSERT INTO {into} VALUES ({values}) RETURNING to_jsonb(inbox_submission)"
        row = (connection.execute(query.encode(), [given[name] for name in names]).fetchone() or ({},))[0]
        comment = json.dumps(row).replace("'", "''")
        connection.execute(f"COMMENT ON TABLE inbox_submission IS '{comment}'".encode())
    parts = urlsplit(database)
    name = parts.path.strip("/")
    place = {"NAME": name, "HOST": parts.hostname, "PORT": parts.port}
    facts = {**place, "USER": parts.username, "PASSWORD": parts.password}
    project = folder / "web"
    for path, text in {
        "manage.py": MANAGE,
        "config/__init__.py": "",
        "config/settings.py": SETTINGS.format(values=", ".join(f"{key!r}: {value!r}" for key, value in facts.items())),
        "inbox/__init__.py": "",
        "inbox/models.py": MODELS,
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    return run_probe(
        *("django/stored_row", str(parts.hostname), str(parts.port), name, table, str(folder)),
        cwd=project,
        python=python,
        env={"PATH": os.environ["PATH"]},
    )


def test_a_row_that_the_model_reads(postgres: str, tmp_path: Path, django_python: str) -> None:
    result = look(postgres, tmp_path, django_python)

    assert (result.code, result.document) == (0, {"diagnostics": [], "summary": "inbox.Submission reads it"}), result


@pytest.mark.parametrize(
    ("columns", "line", "words"),
    [
        ({"name": "text", "count": "text"}, 6, "count: int as IntegerField, but str in its column ('3')"),
        ({"handled": "text"}, 7, "handled: BooleanField cannot read 'true'"),
        ({"at": "text"}, 8, "at: datetime as DateTimeField, but str in its column"),
        ({"at": "timestamp"}, 8, "a time with a zone as DateTimeField, but a time without"),
        ({"handled": ""}, 4, "column inbox_submission.handled does not exist"),
    ],
)
def test_a_row_that_it_cannot_read(
    columns: dict[str, str], line: int, words: str, postgres: str, tmp_path: Path, django_python: str
) -> None:
    result = look(postgres, tmp_path, django_python, **columns)

    assert result.code == 1, result
    assert words in result.messages[0]
    first = result.document["diagnostics"][0]
    assert (first["file"], first["line"]) == ("web/inbox/models.py", line)


def test_a_table_without_a_model(postgres: str, tmp_path: Path, django_python: str) -> None:
    result = look(postgres, tmp_path, django_python, table="other")

    assert (result.code, result.rules) == (5, ["no_model"])
