"""Migrates the database that the base left, as a deploy of this tree would, and verifies the result.

    upgrade_to.py HOST PORT NAME --within ROOT --fresh DATABASE [--file PATH]

Runs with the packages of the tree, in its files, after upgrade_from.py. `--fresh` names the database that this tree's
migrations made from an empty one: both schemas must be equal afterwards. `--file` is the file of a project on SQLite:
the fresh one is made next to it. Prints one JSON document. Exit codes:

    0  upgraded                        13  the schema differs from the fresh one
    11 a migration failed              14  a statement took too long
    12 an applied migration is gone    75  the settings use another database
                                       76  the database is not as the base has left it
                                       77  the database of this check is gone
"""

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from predeploy_compare import compare, schemas
from predeploy_django import is_sqlite, set_up_project, unfit_database
from predeploy_mark import Mark, count_rows, migrations_of, read_mark
from predeploy_migrate import MigrationFailedError, migrate
from predeploy_sqlite import use_file

FAILED, REMOVED, DIFFERENT, TOO_SLOW, LOST = 11, 12, 13, 14, 76


def upgrade(within: Path, fresh: str) -> tuple[int, dict[str, Any]]:
    """Runs the upgrade. Returns the exit code and the JSON document."""
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    mark = read_mark(connection)
    if mark is None or count_rows(connection, mark["rows"]) != mark["rows"]:
        print("the database of this check is not as the base has left it, so no migration was run", file=sys.stderr)
        return LOST, {}
    loader = MigrationLoader(connection)
    there = migrations_of(loader, within)
    if gone := removed(mark, there, {each.label for each in apps.get_app_configs()}):
        return REMOVED, {"diagnostics": gone}
    try:
        applied = migrate(within)
    except MigrationFailedError as error:
        return TOO_SLOW if error.is_slow else FAILED, {"diagnostics": [error.diagnostic()]}
    rows = count_rows(connection, mark["rows"])
    found = compare(*schemas(connection, fresh), mark, there, within)
    is_same = not any(each["severity"] == "error" for each in found)
    said = f"{applied or 'no'} migration{'s' * (applied != 1)} applied"
    lost = lost_rows(mark["rows"], rows)
    return 0 if is_same else DIFFERENT, {"summary": said, "diagnostics": [*found, *lost]}


def removed(mark: Mark, there: dict[str, Mark], apps: set[str]) -> list[dict[str, Any]]:
    """Returns a finding for each applied migration of the stack that the tree neither has nor replaces.

    Migrations of removed apps and of packages do not count.
    """
    applied = mark["applied"]
    replaced = {old for each in there.values() for old in each["replaces"]}
    # the migrations that an applied squashed migration replaces may be deleted
    replaced |= {old for name, each in applied.items() if name in there for old in each["replaces"]}
    return [
        {
            "tool": "migrate",
            "file": each["file"],
            "message": f"{name} is applied in the deployed database, but this tree does not have it: the schema keeps "
            "its changes without a migration for them. Restore it, or add a migration that `replaces` it",
            "rule": "migration_removed",
        }
        for name, each in applied.items()
        if each["file"] and name not in there and name not in replaced and name.partition(".")[0] in apps
    ]


def lost_rows(before: dict[str, int], after: dict[str, int]) -> list[dict[str, Any]]:
    """Returns a note for each table that has fewer rows than before. A migration may intend that."""
    return [
        {
            "tool": "rows",
            "severity": "note",
            "message": f"{table} had {before[table]} rows before the upgrade, and has {count} now",
            "rule": "rows_deleted",
        }
        for table, count in after.items()
        if count < before[table]
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "name"):
        parser.add_argument(name)
    parser.add_argument("--within", type=Path, required=True, help="the root of the tree")
    parser.add_argument("--fresh", required=True, help="the database that all migrations made from an empty one")
    parser.add_argument(
        "--file", type=Path, default=Path("upgrade.sqlite3"), help="the database of a project on SQLite"
    )
    options = parser.parse_args()
    with redirect_stdout(sys.stderr):  # settings and migrations may print
        set_up_project()
        if code := unfit_database(options.port, options.name):
            return code
        if is_sqlite() != options.file.is_file():
            said = "the base uses another kind of database, Postgres or SQLite"
            print(json.dumps({"summary": "not tried", "gaps": [f"no upgrade was tried: {said}"]}), file=sys.__stdout__)
            return 0
        if is_sqlite():
            use_file(options.file)
            options.fresh = str(options.file.with_name("fresh.sqlite3"))
        code, document = upgrade(options.within.resolve(), options.fresh)
    if document:
        print(json.dumps(document))
    return code


if __name__ == "__main__":
    sys.exit(main())
