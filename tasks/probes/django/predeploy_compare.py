"""Compares an upgraded database with a fresh one, and says which migration made the difference."""

import time
from pathlib import Path
from typing import Any

from predeploy_mark import Mark, own_path
from predeploy_migrate import sqlstate
from predeploy_schema import read_schema

MOST, SHOWN = 10, 3
PATIENCE = 10.0
"""Seconds to wait while somebody else looks at the database that is copied."""
IN_USE = "55006"


def compare(connection: Any, fresh: str, mark: Mark, there: dict[str, Mark], within: Path) -> list[dict[str, Any]]:
    """A finding for each table that is not as in the fresh database."""
    from django.apps import apps

    models = [model._meta for model in apps.get_models(include_auto_created=True)]
    named = [each.name for options in models for each in (*options.constraints, *options.indexes)]
    upgraded = read_schema(connection, named)
    expected = read_schema(copy(connection, fresh), named)
    owners = {**mark["apps"], **{options.db_table: options.app_label for options in models}}
    installed = {each.label: own_path(each.path, within) for each in apps.get_app_configs()}
    found = []
    for table in sorted({*upgraded, *expected}):
        app = owners.get(table.rpartition(".")[2], "")
        lacks, has = expected[table] - upgraded[table], upgraded[table] - expected[table]
        is_left = table not in expected and app not in installed  # an app that went leaves its tables
        if (lacks or has) and not is_left:
            is_own = not app or installed.get(app) is not None
            found.append(finding(table, [*lacks], [*has], culprit(app, mark, there), is_own=is_own))
    return foremost(found)


def foremost(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as are shown, errors first: no warning hides that the schema is another one."""
    return sorted(found, key=lambda each: bool(each["severity"] != "error"))[:MOST]


def copy(connection: Any, fresh: str) -> Any:
    """A connection to a copy: nobody may be connected to what others are copies of."""
    from django.db import OperationalError, connections

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('server_version_num')::int")
        name, version = cursor.fetchone()
    target = f"{name}_fresh"
    strategy = " STRATEGY file_copy" if version >= 150000 else ""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{target}" TEMPLATE "{fresh}"{strategy}')
            break
        except OperationalError as error:
            if sqlstate(error.__cause__) != IN_USE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    other = connection.copy(target)
    other.settings_dict["NAME"] = target
    connections[target] = other  # who is told of a new connection looks it up by its name
    return other


def culprit(app: str, mark: Mark, there: dict[str, Mark]) -> tuple[str | None, str]:
    """The migration of the stack's own that was edited after it was applied, or that replaces others; and which."""
    applied = mark["applied"]
    edited = [
        name for name, each in there.items() if each["file"] and applied.get(name, each)["digest"] != each["digest"]
    ]
    squashed = [name for name, each in there.items() if each["file"] and each["replaces"] and name not in applied]
    undo = "was edited after it was applied: undo that, and write another migration"
    for names, what in ((edited, undo), (squashed, "does something else than what it replaces")):
        for name in sorted(names, key=lambda each: not each.startswith(f"{app}.")):
            return there[name]["file"], f"{name} {what}"
    return None, "no migration of the stack was edited"


def finding(
    table: str, lacks: list[str], has: list[str], cause: tuple[str | None, str], *, is_own: bool
) -> dict[str, Any]:
    """One table. What a package did with its own is no mistake of the stack."""
    parts = [
        f"{word} `{'`, `'.join(sorted(lines)[:SHOWN])}`"
        for word, lines in (("lacks", lacks), ("has, besides,", has))
        if lines
    ]
    file, why = cause if is_own else (None, "its package did that")
    return {
        "tool": "migrate",
        "file": file,
        "severity": "error" if is_own else "warning",
        "message": f"{table} is not as in a fresh database after the upgrade: it {' and '.join(parts)}. {why}",
        "rule": "schema_differs",
    }
