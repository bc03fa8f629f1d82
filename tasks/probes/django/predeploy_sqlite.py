"""The upgrade on a file of SQLite: what Postgres's catalogue answers elsewhere."""

# ruff: noqa: S608
# (the names in the statements are those of the database's own tables)

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Counter[str]]
REFUSED = re.compile(r"(?P<kind>NOT NULL|UNIQUE) constraint failed: (?P<columns>.+)$")
REMADE = "new__"
"""Django's prefix of the table to which it copies the rows of another one."""
INDEX = re.compile(r'INDEX (?:"(?:[^"]|"")*"|\S+) ON ')
OBJECTS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
)


def is_file(connection: Any) -> bool:
    """Whether a connection is to SQLite."""
    return bool(connection.vendor == "sqlite")


def use_file(path: Path) -> None:
    """Makes a file the default database of this process, in the place of the one in the settings."""
    from django.db import connection

    connection.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.settings_dict["NAME"] = str(path)


def columns_of(connection: Any, quoted: str) -> Iterator[tuple[str, str, bool]]:
    """Yields name and type of each column of a table, and whether it is NOT NULL."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA table_info({quoted})")
        for _, name, kind, not_null, *_ in cursor.fetchall():
            yield name, kind.lower(), bool(not_null)


def next_number(connection: Any, quoted: str, column: str) -> int:
    """Returns the next number of a key that counts up."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max({connection.ops.quote_name(column)}), 0) + 1 FROM {quoted}")
        return int(cursor.fetchone()[0])


def refused_columns(message: str) -> list[tuple[str, str]]:
    """Returns table and column of each column that an error of a constraint names."""
    found = REFUSED.search(message)
    parts = [each.strip().partition(".") for each in found["columns"].split(",")] if found else []
    return [(table.removeprefix(REMADE), column) for table, _, column in parts if column]


def blame_rows(connection: Any, message: str) -> str:
    """Returns a sentence about the rows that a new NOT NULL or UNIQUE does not fit, or an empty text."""
    found, refused = REFUSED.search(message), refused_columns(message)
    if found is None or not refused:
        return ""
    quote = connection.ops.quote_name
    table, names = refused[0][0], [column for _, column in refused]
    columns = ", ".join(map(quote, names))
    what = f"{table}.{', '.join(names)}"
    is_null = found["kind"] == "NOT NULL"
    where = f"{columns} IS NULL" if is_null else f"({columns}) IN (SELECT {columns} FROM {quote(table)}"
    where += "" if is_null else f" GROUP BY {columns} HAVING count(*) > 1)"
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT rowid FROM {quote(table)} WHERE {where} ORDER BY {columns} LIMIT 2")
            rows = [str(row) for (row,) in cursor.fetchall()]
    except Exception:  # a column that the migration added is no longer there
        return ""
    if is_null:
        return f"{what} is NULL in the row {rows[0]}" if rows else ""
    return f"{what} has the same value in the rows {' and '.join(rows)}" if len(rows) == 2 else ""


def read_file_schema(connection: Any, named: Iterable[str]) -> Schema:
    """Returns tables with a line for each column, constraint, index and trigger, and views with their definition.

    A line has the name of an index only if it is in `named`. Generated names depend on the migrations.
    """
    explicit, schema = frozenset(named), defaultdict[str, Counter[str]](Counter)
    with connection.cursor() as cursor:
        cursor.execute(OBJECTS)
        for kind, name, table, sql in cursor.fetchall():
            if kind == "table":
                schema[table] += Counter(table_lines(cursor, connection.ops.quote_name(table), sql))
            elif kind == "index":
                called = f"INDEX {name} ON " if name in explicit else "INDEX ON "
                schema[table][INDEX.sub(called, " ".join(sql.split())).removeprefix("CREATE ")] += 1
            elif kind == "trigger":
                schema[table][f"trigger {' '.join(sql.split()).removeprefix('CREATE TRIGGER ')}"] += 1
            else:
                schema[f"view {name}"][" ".join(sql.split())] += 1
    return schema


def table_lines(cursor: Any, quoted: str, sql: str) -> Iterator[str]:
    """Yields a line for each column, foreign key, unique constraint and check of a table."""
    cursor.execute(f"PRAGMA table_xinfo({quoted})")
    for _, name, kind, not_null, default, key, hidden in cursor.fetchall():
        parts = [kind.lower(), "NOT NULL" * bool(not_null), f"DEFAULT {default}" * (default is not None)]
        yield f"column {name} {' '.join(filter(None, [*parts, 'PRIMARY KEY' * bool(key), 'GENERATED' * (hidden > 1)]))}"
    cursor.execute(f"PRAGMA foreign_key_list({quoted})")
    for _, _, target, column, its, changed, deleted, _ in cursor.fetchall():
        yield f"foreign key {column} to {target}.{its or 'key'}, on update {changed}, on delete {deleted}"
    cursor.execute(f"PRAGMA index_list({quoted})")
    for _, name, _, origin, *_ in cursor.fetchall():
        if origin == "u":
            cursor.execute(f'PRAGMA index_info("{name}")')
            yield f"UNIQUE ({', '.join(str(column) for _, _, column in cursor.fetchall())})"
    yield from (f"check {text}" for text in checks(sql))


def checks(sql: str) -> Iterator[str]:
    """Yields the conditions of the checks in the definition of a table."""
    for found in re.finditer(r"\bCHECK\s*\(", sql):
        depth, end = 1, found.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield " ".join(sql[found.end() - 1 : end].split())
