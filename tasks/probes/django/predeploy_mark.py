"""The mark that the base leaves in its database for the upgrade: the rows and migrations that it has.

The mark is a comment on the database, because a table could disturb the stack's code.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from predeploy_sqlite import is_file

Mark = dict[str, Any]


def own_path(file: str | None, within: Path) -> str | None:
    """Returns the path of a file relative to the tree's root, or None for a file of a package."""
    path = Path(file).resolve() if file else None
    return str(path.relative_to(within)) if path and path.is_relative_to(within) else None


def own_apps(within: Path) -> frozenset[str]:
    """Returns the labels of the apps whose code is in the tree."""
    from django.apps import apps

    return frozenset(each.label for each in apps.get_app_configs() if own_path(each.path, within) is not None)


def file_of(migration: Any, within: Path) -> str | None:
    """Returns the file of a migration, or None if it belongs to a package."""
    return own_path(getattr(sys.modules.get(migration.__module__), "__file__", None), within)


def migrations_of(loader: Any, within: Path) -> dict[str, Mark]:
    """Returns every migration of the code by `app.name`: its file, the file's digest, and the names it replaces."""
    found = {}
    for (app, name), migration in loader.disk_migrations.items():
        file = file_of(migration, within)
        digest = hashlib.sha256((within / file).read_bytes()).hexdigest() if file else ""
        replaces = [".".join(each) for each in migration.replaces]
        found[f"{app}.{name}"] = {"file": file, "digest": digest, "replaces": replaces}
    return found


def count_rows(connection: Any, tables: Iterable[str]) -> dict[str, int]:
    """Returns the number of rows of each table, without tables that do not exist."""
    counts = {}
    with connection.cursor() as cursor:
        known = set(connection.introspection.table_names(cursor)) if is_file(connection) else set()
        for table in tables:
            quoted = connection.ops.quote_name(table)
            if not is_file(connection):
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [quoted])
                known |= {table} if cursor.fetchone()[0] else set()
            if table in known:
                cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608 - a table of the stack
                counts[table] = cursor.fetchone()[0]
    return counts


def mark_of_file(connection: Any) -> Path:
    """Returns the file with the mark of a database of SQLite, which has no comments."""
    return Path(f"{connection.settings_dict['NAME']}.mark")


def leave_mark(connection: Any, mark: Mark) -> None:
    """Writes the mark to the database."""
    if is_file(connection):
        mark_of_file(connection).write_text(json.dumps(mark), encoding="utf-8")
        return
    with connection.cursor() as cursor:
        statement = "SELECT format('COMMENT ON DATABASE %%I IS %%L', current_database(), %s::text)"
        cursor.execute(statement, [json.dumps(mark)])
        cursor.execute(cursor.fetchone()[0])


def read_mark(connection: Any) -> Mark | None:
    """Returns the mark, or None if the database has none."""
    if is_file(connection):
        place = mark_of_file(connection)
        return dict(json.loads(place.read_text(encoding="utf-8"))) if place.is_file() else None
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
