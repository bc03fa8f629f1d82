"""Fills empty tables with rows that nobody entered: valid ones, as far as the database and the fields say what is.

They are inserted as the ORM does it, but past save() and the signals: what a stack does then may reach other people.
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
# of the constraint or the index that the server names in an error
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
    """A table with the fields that a row has to have, and whose tables they refer to."""

    model: Any
    name: str
    quoted: str
    fields: list[Any]
    columns: dict[str, ModelColumn]
    references: dict[str, str]

    def waits_for(self, waiting: Mapping[str, "ModelTable"], *, only_needed: bool) -> bool:
        """Does it refer to one that is not filled yet? A reference that may be empty can wait in vain."""
        return any(
            target in waiting and target != self.name and (self.columns[column].not_null or not only_needed)
            for column, target in self.references.items()
        )


def tables_of(connection: Any) -> Iterator[ModelTable]:
    """The tables that the models of the code manage and the database has, those between two models included."""
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
    """Puts two rows into each table, or one where there cannot be two; the tables that got none, and why."""
    waiting, refused = dict(empty), dict[str, str]()
    while waiting:
        table = next_table(waiting)
        if table is None:
            refused |= dict.fromkeys(waiting, "its rows and those of others need each other")
            break
        del waiting[table.name]
        why = [why for number in ROWS if (why := attempted(connection, table, number))]
        if len(why) == len(ROWS):
            refused[table.name] = why[0]
    return refused


def next_table(waiting: Mapping[str, ModelTable]) -> ModelTable | None:
    """One that refers to none that still waits; else one that can do without."""
    for only_needed in (False, True):
        for table in waiting.values():
            if not table.waits_for(waiting, only_needed=only_needed):
                return table
    return None


def attempted(connection: Any, table: ModelTable, number: int) -> str:
    """Inserts a row, or says why not: whatever a field of the stack's own does, it costs its own table alone."""
    try:
        return insert(connection, table, number)
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def insert(connection: Any, table: ModelTable, number: int) -> str:
    """Inserts a row. Where the database refuses it, what it names is chosen otherwise; why not, if nothing helps."""
    choice = choices_of(connection, table, number)
    for each, values in choice.items():
        if not values:
            target = table.references.get(each)
            return f"{each}: {f'{target} has no row for it' if target else 'no value is known'}"
    suspects, tried, why = set[str](), set[tuple[int, ...]](), ""
    queue = [(0, (0,) * len(choice))]  # how far down the lists: for the whole row, and in each of them
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
    """For every column of the row what may stand there, the best first."""
    found: dict[str, list[Any]] = {}
    for each in table.fields:
        column = table.columns.get(each.column)
        if column is None:
            found[each.column] = []  # the models of the base are ahead of its migrations
        elif each.column in table.references:
            found[each.column] = referred(connection, table, each, number)
        elif each.get_internal_type() in SERIALS:
            found[each.column] = [serial(connection, table, each.column)]
        else:
            found[each.column] = candidates(each, column, number, connection)
    own = [each for each in table.fields if table.references.get(each.column) == table.name]
    for each in own:  # the first row may refer to itself alone
        itself = found[each.target_field.column][:1] if each.target_field in table.fields else []
        found[each.column] += [value for value in itself if value not in found[each.column]]
    return found


def referred(connection: Any, table: ModelTable, each: Any, number: int) -> list[Any]:
    """The values of rows that there are: another one first for another row."""
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
    """The next number of the column's own sequence, which goes on behind it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table.quoted, column])
        return cursor.fetchone()[0]


def refused(connection: Any, table: ModelTable, row: Mapping[str, Any]) -> tuple[str, set[str]] | None:
    """Inserts these values; if the database does not take them, what it says and which columns that is about."""
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
    """The columns that an error of the server is about, as far as it says so."""
    said = getattr(error.__cause__, "diag", None)
    if said is None or not (said.column_name or said.constraint_name):
        return set()
    if said.column_name:
        return {said.column_name}
    with connection.cursor() as cursor:
        cursor.execute(INVOLVED, [table.quoted, said.constraint_name] * 2)
        return {name for (name,) in cursor.fetchall()}
