"""Finds what a failed migration did not fit: the operation's line, and the row and the column in the database."""

# ruff: noqa: S608
# (the names in the statements come from the database's catalogue, and the expressions from the stack's own migration)

import ast
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST = 500
"""The rows of a table that are tried one by one."""
SHOWN = 60
NAME = r'"(?:[^"]|"")+"'
ALTERED = re.compile(
    rf"ALTER TABLE (?P<table>{NAME}(?:\.{NAME})?) .*?ALTER COLUMN (?P<column>{NAME}) TYPE "
    rf"(?P<type>[\w ]+?(?: *\([^)]*\))?(?:\[\])*)(?: USING (?P<using>.*?))?(?:, ALTER .*)?;?$",
    re.DOTALL,
)
CHECKED = re.compile(rf"ADD CONSTRAINT {NAME} CHECK (?P<check>\(.*\))(?: NOT VALID)?;?$", re.DOTALL)
KEY = re.compile(r"^Key \((?P<columns>[\w, \"]+)\)=")
PRIMARY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum
"""


@contextmanager
def statements(connection: Any, refused: list[str]) -> Iterator[None]:
    """Keeps the last statement that the database refused, as the only item of the list."""

    def follow(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        try:
            return execute(sql, params, many, context)
        except Exception:
            refused[:] = [str(sql)]
            raise

    with connection.execute_wrapper(follow):
        yield


def line_of(error: BaseException, path: str | None, migration: Any) -> int | None:
    """Returns the line of the failed operation in the migration's file, or that of all its operations."""
    if path is None:
        return None
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    lists = [
        each.value
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == "Migration"
        for each in node.body
        if isinstance(each, (ast.Assign, ast.AnnAssign)) and "operations" in ast.unparse(each).partition("=")[0]
    ]
    if not lists or lists[0] is None:
        return None
    value, operation = lists[0], failed_operation(error)
    elements = value.elts if isinstance(value, (ast.List, ast.Tuple)) else []
    places = [place for place, each in enumerate(migration.operations) if each is operation]
    is_plain = len(elements) == len(migration.operations)
    return elements[places[0]].lineno if places and is_plain else value.lineno


def failed_operation(error: BaseException) -> Any:
    """Returns the operation that a migration was applying when it failed, or None."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "apply" and "operation" in frame.f_locals and "schema_editor" in frame.f_locals:
            found = frame.f_locals["operation"]
    return found


def blame(connection: Any, server: Any, statement: str) -> str:
    """Returns a sentence about the row and the column that a statement did not fit, or an empty text.

    The migration was rolled back: a column that it added is no longer there, and nothing is said then.
    """
    for look in (null_value, unfit_value, duplicate, broken_check):
        try:
            if found := look(connection, getattr(server, "diag", None), statement):
                return found
        except Exception:  # a guess at the cause must not hide the failure
            connection.close()
    return ""


def null_value(connection: Any, diag: Any, _: str) -> str:
    """Names the row that has NULL in the column that the server names."""
    if diag is None or not (diag.column_name and diag.table_name) or diag.constraint_name:
        return ""
    quote = connection.ops.quote_name
    table = f"{quote(diag.schema_name)}.{quote(diag.table_name)}"
    rows = rows_where(connection, table, f"{quote(diag.column_name)} IS NULL", 1)
    return f"{diag.table_name}.{diag.column_name} is NULL in {named(rows)}" if rows else ""


def unfit_value(connection: Any, _: Any, statement: str) -> str:
    """Names the row whose value does not fit the new type of a column."""
    found = ALTERED.search(statement)
    if found is None:
        return ""
    table, column, kind = found["table"], found["column"], found["type"]
    bare = column.strip('"').replace('""', '"')
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE predeploy_one (value {kind})")
    for place, *key, value in read(
        connection, f"SELECT ctid::text, {keys(connection, table)}, {column}::text FROM {table}"
    ):
        sql = f"INSERT INTO predeploy_one SELECT {found['using'] or column} FROM {table} WHERE ctid = %s::tid"
        if not runs(connection, sql, place):
            return f"{plain(table)}.{bare} is {shown(value)} in {named([key])}"
    return ""


def duplicate(connection: Any, diag: Any, _: str) -> str:
    """Names the rows that have the same values in the columns that must be unique."""
    key = KEY.match(getattr(diag, "message_detail", None) or "")
    if key is None or not diag.table_name:
        return ""
    quote = connection.ops.quote_name
    table = f"{quote(diag.schema_name)}.{quote(diag.table_name)}"
    names = [each.strip().strip('"') for each in key["columns"].split(",")]
    mine, its = (", ".join(f"{each}.{quote(name)}" for name in names) for each in ("mine", "its"))
    same = f"EXISTS (SELECT FROM {table} its WHERE its.ctid <> mine.ctid AND ({its}) = ({mine}))"
    rows = rows_where(connection, f"{table} mine", same, 2)
    what = f"{diag.table_name}.{', '.join(names)}"
    return f"{what} has the same value in {named(rows)}" if rows else ""


def broken_check(connection: Any, diag: Any, statement: str) -> str:
    """Names the row that a new constraint does not allow, with the values of the constraint's columns."""
    found = CHECKED.search(statement)
    if found is None or not diag.table_name:
        return ""
    quote = connection.ops.quote_name
    table = f"{quote(diag.schema_name)}.{quote(diag.table_name)}"
    rows = rows_where(connection, table, f"NOT {found['check']}", 1)
    if not rows:
        return ""
    columns = dict.fromkeys(re.findall(NAME, found["check"]))
    values = read(connection, f"SELECT {', '.join(columns)} FROM {table} WHERE NOT {found['check']}")[0]
    said = [f"{plain(name)} is {shown(value)}" for name, value in zip(columns, values, strict=True)]
    return f"{diag.table_name}: {' and '.join(said)} in {named(rows)}"


def shown(value: Any) -> str:
    """Returns a value for people."""
    text = "NULL" if value is None else repr(value)
    return (
        text
        if len(text) <= SHOWN
        else f"{text[:SHOWN]}… ({len(value)} characters)"
        if isinstance(value, str)
        else text[:SHOWN]
    )


def rows_where(connection: Any, table: str, condition: str, most: int) -> list[list[str]]:
    """Returns the keys of the first rows that fulfil a condition."""
    bare, _, alias = table.partition(" ")
    columns = keys(connection, bare, f"{alias}." if alias else "")
    return [list(row) for row in read(connection, f"SELECT {columns} FROM {table} WHERE {condition}")][:most]


def keys(connection: Any, table: str, prefix: str = "") -> str:
    """Returns the columns of the primary key as texts `name=value` for a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(PRIMARY, [table])
        names = [name for (name,) in cursor.fetchall()] or ["ctid"]
    quote = connection.ops.quote_name
    return ", ".join(f"'{name}=' || {prefix}{quote(name)}::text" for name in names if "'" not in name)


def read(connection: Any, sql: str) -> list[Any]:
    """Returns the first rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {MOST}")
        return list(cursor.fetchall())


def runs(connection: Any, sql: str, *params: Any) -> bool:
    """Whether the database takes a statement."""
    from django.db import Error, transaction

    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(sql, params)
    except Error:
        return False
    return True


def named(rows: list[list[str]]) -> str:
    """Returns the words for one or more rows, by their keys."""
    texts = [", ".join(row) for row in rows]
    return f"the row{'s' * (len(texts) > 1)} {' and '.join(texts)}"


def plain(table: str) -> str:
    """Returns the name of a table without quotes and schema."""
    return table.rpartition('."')[2].strip('"')
