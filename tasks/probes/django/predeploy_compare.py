"""Compares the schema of an upgraded database with that of a fresh one, and finds the migration that differs."""

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from predeploy_django import migrate_file
from predeploy_mark import Mark, own_path
from predeploy_migrate import sqlstate
from predeploy_schema import Schema, read_schema
from predeploy_sqlite import is_file, read_file_schema, use_file

MOST, SHOWN, WIDTH = 10, 3, 160
OBJECT = re.compile(r"(?:(?:materialized )?view|function|sequence) (?P<name>[^(]+)")
PART = re.compile(r"(?:column|trigger (?:CONSTRAINT )?TRIGGER) (\S+)")
PATIENCE = 10.0
"""Seconds to wait until no other connection uses the database that is copied."""
IN_USE = "55006"


def schemas(connection: Any, fresh: str) -> tuple[Schema, Schema]:
    """Returns the schema of the upgraded database, and that of a fresh one. For SQLite `fresh` is a new file."""
    named = [each.name for options in all_options() for each in (*options.constraints, *options.indexes)]
    if not is_file(connection):
        return read_schema(connection, named), read_schema(copy(connection, fresh), named)
    upgraded = read_file_schema(connection, named)
    use_file(Path(fresh))
    migrate_file()
    return upgraded, read_file_schema(connection, named)


def all_options() -> list[Any]:
    """Returns the options of every model of the tree."""
    from django.apps import apps

    return [model._meta for model in apps.get_models(include_auto_created=True)]


def compare(
    upgraded: Schema, expected: Schema, mark: Mark, there: dict[str, Mark], within: Path
) -> list[dict[str, Any]]:
    """Returns a finding for each table, view, function and sequence that differs from the fresh database.

    `mark` is the mark of the base. `there` are the migrations of the tree.
    """
    from django.apps import apps

    models = all_options()
    owners = {**mark["apps"], **{options.db_table: options.app_label for options in models}}
    installed = {each.label: own_path(each.path, within) for each in apps.get_app_configs()}
    found = []
    for table in sorted({*upgraded, *expected}):
        app = owners.get(table.rpartition(".")[2], "")
        lacks, has = expected[table] - upgraded[table], upgraded[table] - expected[table]
        is_left = table not in expected and app not in installed  # the tables of a removed app stay
        if (lacks or has) and not is_left:
            cause = culprit(app, mark, there, writers(table, (*lacks, *has), there, within))
            # no app owns a view, a function or a sequence: without an edited migration a package may have made it
            is_own = installed.get(app) is not None if app else OBJECT.match(table) is None or cause[0] is not None
            found.append(finding(table, [*lacks], [*has], cause, is_own=is_own))
    return foremost(found)


def foremost(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the first findings, errors first, so that warnings cannot push an error out."""
    return sorted(found, key=lambda each: bool(each["severity"] != "error"))[:MOST]


def copy(connection: Any, fresh: str) -> Any:
    """Returns a connection to a copy of `fresh`: other checks copy it too, and a template must have no connections."""
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
    connections[target] = other  # receivers of `connection_created` look the connection up by its name
    return other


def writers(table: str, lines: Iterable[str], there: dict[str, Mark], within: Path) -> frozenset[str]:
    """Returns the migrations whose text names what differs: a view, function or sequence, or columns and triggers."""
    found = OBJECT.match(table)
    words = {found["name"].rpartition(".")[2]} if found else {each[1] for each in map(PART.match, lines) if each}
    files = {migration: within / each["file"] for migration, each in there.items() if each["file"]}
    texts = {migration: file.read_text("utf-8") for migration, file in files.items()}
    return frozenset(migration for migration, text in texts.items() if any(word in text for word in words))


def culprit(
    app: str, mark: Mark, there: dict[str, Mark], writing: frozenset[str] = frozenset()
) -> tuple[str | None, str]:
    """Returns the file of the migration that caused the difference, or None, and a sentence about it.

    The cause is a migration of the stack that was edited after it was applied, or that replaces others. Those of
    `writing` and of the app come first.
    """
    applied = mark["applied"]
    edited = [
        name for name, each in there.items() if each["file"] and applied.get(name, each)["digest"] != each["digest"]
    ]
    squashed = [name for name, each in there.items() if each["file"] and each["replaces"] and name not in applied]
    undo = "was edited after it was applied. Undo the edit, and write a new migration"
    for names, what in ((edited, undo), (squashed, "does not do the same as the migrations that it replaces")):
        for name in sorted(names, key=lambda each: (each not in writing, not each.startswith(f"{app}."))):
            return there[name]["file"], f"{name} {what}"
    return None, "No migration of the stack was edited"


def shortened(line: str) -> str:
    """Returns the beginning of a long definition."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def finding(
    table: str, lacks: list[str], has: list[str], cause: tuple[str | None, str], *, is_own: bool
) -> dict[str, Any]:
    """Returns the finding for one table or object. For one of a package it is a warning: the stack cannot fix it."""
    parts = [
        f"{word} `{'`, `'.join(shortened(line) for line in sorted(lines)[:SHOWN])}`"
        for word, lines in (("lacks", lacks), ("has in addition", has))
        if lines
    ]
    file, why = cause if is_own else (None, "No migration of the stack manages it")
    return {
        "tool": "migrate",
        "file": file,
        "severity": "error" if is_own else "warning",
        "message": f"{table} differs from a fresh database after the upgrade: it {' and '.join(parts)}. {why}",
        "rule": "schema_differs",
    }
