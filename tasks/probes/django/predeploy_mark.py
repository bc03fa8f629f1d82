"""What the base leaves in its own database for the one who upgrades it: which rows and migrations it has.

It is a comment on the database: no table that anybody's code could stumble over.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Mark = dict[str, Any]


def own_path(file: str | None, within: Path) -> str | None:
    """A file of the tree as seen from its root; None for what a package brings."""
    path = Path(file).resolve() if file else None
    return str(path.relative_to(within)) if path and path.is_relative_to(within) else None


def file_of(migration: Any, within: Path) -> str | None:
    """The file of a migration, if it is the tree's own."""
    return own_path(getattr(sys.modules.get(migration.__module__), "__file__", None), within)


def migrations_of(loader: Any, within: Path) -> dict[str, Mark]:
    """Every migration of the code by `app.name`: its file and the digest of that, and what it replaces."""
    found = {}
    for (app, name), migration in loader.disk_migrations.items():
        file = file_of(migration, within)
        digest = hashlib.sha256((within / file).read_bytes()).hexdigest() if file else ""
        replaces = [".".join(each) for each in migration.replaces]
        found[f"{app}.{name}"] = {"file": file, "digest": digest, "replaces": replaces}
    return found


def count_rows(connection: Any, tables: Iterable[str]) -> dict[str, int]:
    """How many rows each of these tables has; one that is not there is left out."""
    counts = {}
    with connection.cursor() as cursor:
        for table in tables:
            quoted = connection.ops.quote_name(table)
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [quoted])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608 - a table of the stack
                counts[table] = cursor.fetchone()[0]
    return counts


def leave_mark(connection: Any, mark: Mark) -> None:
    """Writes it."""
    with connection.cursor() as cursor:
        statement = "SELECT format('COMMENT ON DATABASE %%I IS %%L', current_database(), %s::text)"
        cursor.execute(statement, [json.dumps(mark)])
        cursor.execute(cursor.fetchone()[0])


def read_mark(connection: Any) -> Mark | None:
    """Reads it; None in a database that has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        text = cursor.fetchone()[0]
    try:
        mark: Mark = json.loads(text or "")
    except ValueError:
        return None
    return mark
