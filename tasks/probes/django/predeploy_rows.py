"""Fills empty tables with generated rows that satisfy the database's constraints and, if possible, the validators.

Rows are inserted as the ORM does, but without save() and signals: code of the stack in them may call other services.
"""

import heapq
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

from predeploy_shapes import FULL, OWN, PACKAGED, SPARSE, shaped
from predeploy_sqlite import is_file, next_number, refused_columns
from predeploy_tables import ModelTable

TRIES = {True: 150, False: 40}
"""How many rows are tried: for a full row, and for another one."""
SERIALS = {"AutoField", "BigAutoField", "SmallAutoField"}
# The columns of the constraint or index that the server names in an error.
INVOLVED = """
SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass(%s) AND c.conname = %s
UNION SELECT a.attname FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid
JOIN pg_depend d ON d.objid = i.indexrelid AND d.refobjid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
WHERE i.indrelid = to_regclass(%s) AND n.relname = %s
"""


def fill(connection: Any, empty: Mapping[str, ModelTable], own: Collection[str]) -> dict[str, str]:
    """Puts rows into each table: of every shape for the apps `own`. Returns the tables without a row, and why."""
    waiting, refused = dict(empty), dict[str, str]()
    while waiting:
        table = next_table(waiting)
        if table is None:
            refused |= dict.fromkeys(waiting, "its rows and those of other tables refer to each other")
            break
        del waiting[table.name]
        if why := fill_table(connection, table, OWN if table.model._meta.app_label in own else PACKAGED):
            refused[table.name] = why
    return refused


def fill_table(connection: Any, table: ModelTable, shapes: tuple[str, ...]) -> str:
    """Inserts a row of each shape, as far as possible. Returns why there is no row, or an empty text."""
    taken, reasons = dict[str, Any](), list[str]()
    for number, shape in enumerate(shapes, 1):
        if len(reasons) == 2:
            break  # neither of the full rows fits
        row = attempted(connection, table, number, shape, taken)
        if isinstance(row, dict):
            taken = taken or row
        elif shape == FULL:
            reasons.append(row)
    return "" if taken else reasons[0]


def next_table(waiting: Mapping[str, ModelTable]) -> ModelTable | None:
    """Returns a table without references to unfilled tables, else one whose such references may be null, else None."""
    for only_needed in (False, True):
        for table in waiting.values():
            if not table.waits_for(waiting, only_needed=only_needed):
                return table
    return None


def attempted(
    connection: Any, table: ModelTable, number: int, shape: str, taken: Mapping[str, Any]
) -> dict[str, Any] | str:
    """Inserts a row. Returns its values, or the reason of a failure.

    A custom field may raise any exception; it must not affect other tables.
    """
    try:
        return insert(connection, table, choices_of(connection, table, number, shape, taken), shape)
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def insert(connection: Any, table: ModelTable, choice: dict[str, list[Any]], shape: str) -> dict[str, Any] | str:
    """Inserts a row. Returns its values, or the reason of a failure.

    If the database refuses a row, other values are tried for the columns that its error names, best values first.
    """
    for each, values in choice.items():
        if not values:
            target = table.references.get(each)
            return f"{each}: {f'{target} has no row to refer to' if target else 'no value is known'}"
    suspects, tried, why = set[str](), set[tuple[int, ...]](), ""
    queue = [(0, (0,) * len(choice))]  # (sum of ranks, the rank of the value in each column's list)
    while queue and len(tried) < TRIES[shape == FULL]:
        _, vector = heapq.heappop(queue)
        if vector in tried:
            continue
        tried.add(vector)
        row = {name: values[rank] for (name, values), rank in zip(choice.items(), vector, strict=True)}
        refusal = refused(connection, table, row, is_read=shape != FULL)
        if refusal is None:
            return row
        why = why or refusal[0]
        suspects |= refusal[1] & choice.keys() or choice.keys()
        for place, (name, values) in enumerate(choice.items()):
            if name in suspects and vector[place] + 1 < len(values):
                other = (*vector[:place], vector[place] + 1, *vector[place + 1 :])
                heapq.heappush(queue, (sum(other), other))
    return why


def choices_of(
    connection: Any, table: ModelTable, number: int, shape: str, taken: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Returns the candidate values of each column, the best first."""
    found: dict[str, list[Any]] = {}
    for each in table.fields:
        column = table.columns.get(each.column)
        if column is None:
            found[each.column] = []  # the model has a column that no migration of the base creates
        elif each.column in table.references:
            found[each.column] = referred(connection, table, each, number, shape)
        elif each.get_internal_type() in SERIALS:
            found[each.column] = [serial(connection, table, each.column)]
        else:
            found[each.column] = shaped(shape, each, column, number, connection, taken)
    own = [each for each in table.fields if table.references.get(each.column) == table.name]
    for each in own:  # the first row can only refer to itself
        itself = found[each.target_field.column][:1] if each.target_field in table.fields else []
        found[each.column] += [value for value in itself if value not in found[each.column]]
    return found


def referred(connection: Any, table: ModelTable, each: Any, number: int, shape: str) -> list[Any]:
    """Returns the keys of existing rows. Full rows prefer different keys, so that the others share the first one.

    The last of several rows is left without references, as many parents in production are.
    """
    from django.db.models.expressions import RawSQL

    target = each.target_field
    quoted = connection.ops.quote_name(target.model._meta.db_table)
    with connection.cursor() as cursor:
        column = connection.ops.quote_name(target.column)
        place = "rowid" if is_file(connection) else "ctid"
        cursor.execute(f"SELECT {column} FROM {quoted} ORDER BY {place} LIMIT {len(OWN)}")  # noqa: S608 - names of the catalog
        there = [RawSQL("%s", [value]) for (value,) in cursor.fetchall()]
    there = there[:-1] if len(there) > 2 else there
    first = (number - 1) % len(there) if there and shape == FULL else 0
    nothing = [None] * (not table.columns[each.column].not_null)
    there = [*there[first:], *there[:first]]
    return [*nothing, *there] if shape == SPARSE else [*there, *nothing]


def serial(connection: Any, table: ModelTable, column: str) -> Any:
    """Returns the next number of the column's sequence."""
    if is_file(connection):
        return next_number(connection, table.quoted, column)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table.quoted, column])
        return cursor.fetchone()[0]


def refused(
    connection: Any, table: ModelTable, row: Mapping[str, Any], *, is_read: bool
) -> tuple[str, set[str]] | None:
    """Inserts these values. If the database refuses them, returns its message and the columns that it names.

    With `is_read` a row that the fields cannot read is refused, too: the stack would not have written it.
    """
    from django.db import Error, transaction
    from django.db.models.sql import InsertQuery

    values = SimpleNamespace(**{each.attname: row[each.column] for each in table.fields})
    query = InsertQuery(table.model)
    query.insert_values(table.fields, [values], raw=True)
    try:
        with transaction.atomic(using=connection.alias):
            query.get_compiler(connection=connection).execute_sql()
            if is_read:
                manager = table.model._base_manager  # noqa: SLF001 - a documented, public name of Django
                list(manager.using(connection.alias).values_list())
    except Error as error:
        return str(error).strip().partition("\n")[0], involved(connection, table, error)
    except Exception as error:
        if not is_read:
            raise
        return f"{type(error).__name__}: {error}".partition("\n")[0], set()
    return None


def involved(connection: Any, table: ModelTable, error: Exception) -> set[str]:
    """Returns the columns that an error of the server names, directly or through a constraint."""
    if is_file(connection):
        return {column for _, column in refused_columns(str(error))}
    said = getattr(error.__cause__, "diag", None)
    if said is None or not (said.column_name or said.constraint_name):
        return set()
    if said.column_name:
        return {said.column_name}
    with connection.cursor() as cursor:
        cursor.execute(INVOLVED, [table.quoted, said.constraint_name] * 2)
        return {name for (name,) in cursor.fetchall()}
