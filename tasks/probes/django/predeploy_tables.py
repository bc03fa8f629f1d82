"""The tables of a project's models in the database: columns, fields and references."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from predeploy_sqlite import columns_of, is_file
from predeploy_values import ModelColumn

VARCHAR = re.compile(r"^n?var(char)")
"""The spelling of SQLite. The values know the one of Postgres."""

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                      ELSE format_type(a.atttypid, a.atttypmod) END,
       a.attnotnull OR t.typnotnull,
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
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


def read_columns(connection: Any, quoted: str) -> dict[str, ModelColumn]:
    """Returns the columns of a table by their names, or none if it does not exist."""
    if is_file(connection):
        return {
            name: ModelColumn(type=kind, base=VARCHAR.sub(r"\1", kind), not_null=not_null, is_cast=False)
            for name, kind, not_null in columns_of(connection, quoted)
        }
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [quoted])
        return {
            name: ModelColumn(type=kind, base=base, not_null=not_null, labels=tuple(labels or ()))
            for name, kind, base, not_null, labels in cursor.fetchall()
        }


def tables_of(connection: Any, apps: Any) -> Iterator[ModelTable]:
    """Yields the existing tables of all managed models, including many-to-many tables.

    `apps` has the models: those of the code, or those of a state of the migrations.
    """
    from django.db import router

    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        if not options.managed or options.proxy or options.swapped:
            continue
        if not router.allow_migrate_model(connection.alias, model):
            continue
        quoted = connection.ops.quote_name(options.db_table)
        found = read_columns(connection, quoted)
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
