"""Makes a database like the deployed one: the migrations of the base, and rows in every table.

    upgrade_from.py HOST PORT NAME --within ROOT --base TITLE [--file PATH]

Runs with the packages of the base, in its files, only on the database that was made for this check (else exit code 75).
A project on SQLite gets the new file PATH in the place of the one in its settings.
It loads the fixtures of the stack, then makes rows for each table that is still empty. Prints one JSON document.
"""

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from predeploy_django import is_sqlite, other_database, set_up_project, unfit_database
from predeploy_fixtures import find_fixtures, load_fixtures
from predeploy_mark import count_rows, leave_mark, migrations_of, own_apps
from predeploy_rows import fill
from predeploy_sqlite import use_file
from predeploy_tables import tables_of

NAMED = 5


def make(within: Path, title: str) -> dict[str, Any]:
    """Migrates, fills and marks the database. Returns the JSON document."""
    from django.apps import apps
    from django.core.management import execute_from_command_line
    from django.db import connection

    execute_from_command_line(["manage.py", "migrate", "--noinput", "--skip-checks", "--no-color"])
    unloaded = load_fixtures(find_fixtures(within))
    tables = {table.name: table for table in tables_of(connection, apps)}
    before = count_rows(connection, tables)
    empty = {name: table for name, table in tables.items() if not before.get(name)}
    refused = fill(connection, empty, own_apps(within))
    rows = count_rows(connection, tables)
    owners = {name: table.model._meta.app_label for name, table in tables.items()}
    applied = applied_migrations(connection, within)
    leave_mark(connection, {"rows": rows, "apps": owners, "applied": applied, "generated": [*empty]})
    connection.close()
    return {
        "summary": f"{title.partition(' ')[0]}: {len(rows)} tables with {sum(rows.values())} rows",
        "gaps": [f"upgraded without a row in {listed(refused)}"] if refused else [],
        "diagnostics": [*notes(unloaded, within), *warnings(refused)],
    }


def applied_migrations(connection: Any, within: Path) -> dict[str, Any]:
    """Returns the applied migrations by `app.name`, with the facts of `migrations_of`."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    known = migrations_of(loader, within)
    unknown: dict[str, Any] = {"file": None, "digest": "", "replaces": []}
    return {name: known.get(name, unknown) for name in map(".".join, loader.applied_migrations)}


def notes(unloaded: dict[Path, str], within: Path) -> list[dict[str, Any]]:
    """Returns a note for each fixture that could not be loaded. It may be outdated or meant only for tests."""
    return [
        {
            "tool": "loaddata",
            "file": str(path.relative_to(within)),
            "severity": "note",
            "message": why,
            "rule": "unloaded",
        }
        for path, why in unloaded.items()
    ]


def warnings(refused: dict[str, str]) -> list[dict[str, Any]]:
    """Returns a warning for each table that has no row: its upgrade is a weaker proof."""
    return [
        {
            "tool": "rows",
            "severity": "warning",
            "message": f"{table}: no row could be inserted: {why}",
            "rule": "no_row",
        }
        for table, why in refused.items()
    ]


def listed(names: Any) -> str:
    """Returns the first names, and the number of further ones."""
    first = ", ".join(list(names)[:NAMED])
    return first if len(names) <= NAMED else f"{first} and {len(names) - NAMED} more tables"


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "name"):
        parser.add_argument(name)
    parser.add_argument("--within", type=Path, required=True, help="the root of the base")
    parser.add_argument("--base", required=True, help="the title of the base: its short commit id and more")
    parser.add_argument("--file", type=Path, help="the database of a project on SQLite")
    options = parser.parse_args()
    with redirect_stdout(sys.stderr):  # settings and migrations may print
        set_up_project()
        if code := unfit_database(options.port, options.name):
            return code
        if is_sqlite() and options.file is None:
            said = f"{other_database(options.port, options.name)} is what it uses, and the tree uses Postgres"
            print(f"no upgrade was tried: {said}", file=sys.stderr)
            return 75
        if is_sqlite():
            use_file(options.file)
        document = make(options.within.resolve(), options.base)
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
