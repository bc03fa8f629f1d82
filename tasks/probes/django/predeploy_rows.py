"""Fills empty tables with generated rows that satisfy the database's constraints and, if possible, the validators.

Rows are inserted as the ORM does, but without save() and signals: code of the stack in them may call other services.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from predeploy_values import ModelColumn, candidates

ROWS = (1, 2)
TRIES = 150
SERIALS = {"AutoField", "BigAutoField", "SmallAutoField"}
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                      ELSE format_type(a.atttypid, a.atttypmod) END,
       a.attnotnull OR t.typnotnull,
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
# The columns of the constraint or index that the server names in an error.
INVOLVED = """
SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass(%s) AND c.conname = %s
UNION SELECT a.attname FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid
JOIN pg_depend d ON d.objid = i.indexrelid AND d.refobjid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
WHERE i.indrelid = to_regclass(%s) AND n.relname = %s
"""


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """A table with the fields of a row. `references` maps columns of foreign keys to the tables that they refer to."""

    model: Any
    name: str
    quoted: str
    fields: list[Any]
    columns: dict[str, ModelColumn]
    references: dict[str, str]

    def waits_for(self, waiting: Mapping[str, "ModelTable"], *, only_needed: bool) -> bool:
        """Whether a foreign key refers to a table that is not filled yet. `only_needed` ignores nullable columns."""
        return any(
            target in waiting and target != self.name and (self.columns[column].not_null or not only_needed)
            for column, target in self.references.items()
        )


def tables_of(connection: Any) -> Iterator[ModelTable]:
    """Yields the existing tables of all managed models, including many-to-many tables."""
    from django.apps import apps
    from django.db import router

    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        if not options.managed or options.proxy or options.swapped:
            continue
        if not router.allow_migrate_model(connection.alias, model):
            continue
        quoted = connection.ops.quote_name(options.db_table)
        with connection.cursor() as cursor:
            cursor.execute(COLUMNS, [quoted])
            found = {
                name: ModelColumn(type=kind, base=base, not_null=not_null, labels=tuple(labels or ()))
                for name, kind, base, not_null, labels in cursor.fetchall()
            }
        fields = [each for each in options.local_concrete_fields if not getattr(each, "generated", False)]
        if found:
            yield ModelTable(
                model=model,
                name=options.db_table,
                quoted=quoted,
                fields=fields,
                columns=found,
                references={
                    each.column: each.target_field.model._meta.db_table
                    for each in fields
                    if each.remote_field and each.column in found
                },
            )


def fill(connection: Any, empty: Mapping[str, ModelTable]) -> dict[str, str]:
    """Puts two rows into each table, or one if a second is impossible. Returns the tables without a row, and why."""
    waiting, refused = dict(empty), dict[str, str]()
    while waiting:
        table = next_table(waiting)
        if table is None:
            refused |= dict.fromkeys(waiting, "its rows and those of other tables refer to each other")
            break
        del waiting[table.name]
        why = [why for number in ROWS if (why := attempted(connection, table, number))]
        if len(why) == len(ROWS):
            refused[table.name] = why[0]
    return refused


def next_table(waiting: Mapping[str, ModelTable]) -> ModelTable | None:
    """Returns a table without references to unfilled tables, else one whose such references may be null, else None."""
    for only_needed in (False, True):
        for table in waiting.values():
            if not table.waits_for(waiting, only_needed=only_needed):
                return table
    return None


def attempted(connection: Any, table: ModelTable, number: int) -> str:
    """Inserts a row. Returns the reason of a failure, or an empty text.

    A custom field may raise any exception; it must not affect other tables.
    """
    try:
        return insert(connection, table, number)
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def insert(connection: Any, table: ModelTable, number: int) -> str:
    """Inserts a row. Returns the reason of a failure, or an empty text.

    If the database refuses a row, other values are tried for the columns that its error names, best values first.
    """
    choice = choices_of(connection, table, number)
    for each, values in choice.items():
        if not values:
            target = table.references.get(each)
            return f"{each}: {f'{target} has no row to refer to' if target else 'no value is known'}"
    suspects, tried, why = set[str](), set[tuple[int, ...]](), ""
    queue = [(0, (0,) * len(choice))]  # (sum of ranks, the rank of the value in each column's list)
    while queue and len(tried) < TRIES:
        _, vector = heapq.heappop(queue)
        if vector in tried:
            continue
        tried.add(vector)
        row = {name: values[rank] for (name, values), rank in zip(choice.items(), vector, strict=True)}
        refusal = refused(connection, table, row)
        if refusal is None:
            return ""
        why = why or refusal[0]
        suspects |= refusal[1] & choice.keys() or choice.keys()
        for place, (name, values) in enumerate(choice.items()):
            if name in suspects and vector[place] + 1 < len(values):
                other = (*vector[:place], vector[place] + 1, *vector[place + 1 :])
                heapq.heappush(queue, (sum(other), other))
    return why


def choices_of(connection: Any, table: ModelTable, number: int) -> dict[str, list[Any]]:
    """Returns the candidate values of each column, the best first."""
    found: dict[str, list[Any]] = {}
    for each in table.fields:
        column = table.columns.get(each.column)
        if column is None:
            found[each.column] = []  # the model has a column that no migration of the base creates
        elif each.column in table.references:
            found[each.column] = referred(connection, table, each, number)
        elif each.get_internal_type() in SERIALS:
            found[each.column] = [serial(connection, table, each.column)]
        else:
            found[each.column] = candidates(each, column, number, connection)
    own = [each for each in table.fields if table.references.get(each.column) == table.name]
    for each in own:  # the first row can only refer to itself
        itself = found[each.target_field.column][:1] if each.target_field in table.fields else []
        found[each.column] += [value for value in itself if value not in found[each.column]]
    return found


def referred(connection: Any, table: ModelTable, each: Any, number: int) -> list[Any]:
    """Returns the keys of existing rows. The second row prefers another key than the first."""
    from django.db.models.expressions import RawSQL

    target = each.target_field
    quoted = connection.ops.quote_name(target.model._meta.db_table)
    with connection.cursor() as cursor:
        column = connection.ops.quote_name(target.column)
        cursor.execute(f"SELECT {column} FROM {quoted} ORDER BY ctid LIMIT 2")  # noqa: S608 - names of the catalog
        there = [RawSQL("%s", [value]) for (value,) in cursor.fetchall()]
    there = there[::-1] if number == 2 else there
    return there + [None] * (not table.columns[each.column].not_null)


def serial(connection: Any, table: ModelTable, column: str) -> Any:
    """Returns the next number of the column's sequence."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table.quoted, column])
        return cursor.fetchone()[0]


def refused(connection: Any, table: ModelTable, row: Mapping[str, Any]) -> tuple[str, set[str]] | None:
    """Inserts these values. If the database refuses them, returns its message and the columns that it names."""
    from django.db import Error, transaction
    from django.db.models.sql import InsertQuery

    values = SimpleNamespace(**{each.attname: row[each.column] for each in table.fields})
    query = InsertQuery(table.model)
    query.insert_values(table.fields, [values], raw=True)
    try:
        with transaction.atomic(using=connection.alias):
            query.get_compiler(connection=connection).execute_sql()
    except Error as error:
        return str(error).strip().partition("\n")[0], involved(connection, table, error)
    return None


def involved(connection: Any, table: ModelTable, error: Exception) -> set[str]:
    """Returns the columns that an error of the server names, directly or through a constraint."""
    said = getattr(error.__cause__, "diag", None)
    if said is None or not (said.column_name or said.constraint_name):
        return set()
    if said.column_name:
        return {said.column_name}
    with connection.cursor() as cursor:
        cursor.execute(INVOLVED, [table.quoted, said.constraint_name] * 2)
        return {name for (name,) in cursor.fetchall()}
