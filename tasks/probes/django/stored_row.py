"""Reads the row that a form left, through the Django model of the table.

    stored_row.py HOST PORT NAME TABLE ROOT

Runs with the stack's packages and production's settings, only on the database that was made for this check.
intake.py has stored the row as the table's comment. Exit codes: 0 the model reads the row; 1 it does not find the row
or cannot read a value; 5 no model has this table; 75 the settings use another database; 77 the database is gone.
"""

# ruff: noqa: SLF001
# (`_meta` and `_base_manager` are documented, public names of Django)

import inspect
import json
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from predeploy_django import set_up_project, unfit_database

COMMENT = "SELECT obj_description(to_regclass(%s), 'pg_class')"


def find_model(table: str) -> Any:
    """Returns the project's model of the table, or None."""
    from django.apps import apps

    return next((model for model in apps.get_models() if model._meta.db_table.replace('"', "") == table), None)


def left_row(table: str) -> dict[str, Any]:
    """Returns the row that the form left, by column, from the table's comment."""
    from django.db import connection

    quoted = ".".join(connection.ops.quote_name(part) for part in table.split("."))
    with connection.cursor() as cursor:
        cursor.execute(COMMENT, [quoted])
        row: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return row


def read(model: Any, row: dict[str, Any]) -> Any:
    """Returns the row as a model instance, read from the database."""
    key = model._meta.pk
    return model._base_manager.get(pk=row[key.column])


def disagreements(instance: Any) -> Iterator[tuple[str, str]]:
    """Yields the name of each field whose type differs from its column's value, with a description."""
    from datetime import datetime

    from django.conf import settings
    from django.core.exceptions import ValidationError
    from django.utils.timezone import is_naive

    for field in instance._meta.concrete_fields:
        value = getattr(instance, field.attname)
        if value is None:
            continue
        kind = type(field).__name__
        try:
            meant = (field.target_field if field.is_relation else field).to_python(value)
        except ValidationError as error:
            yield field.name, f"{kind} cannot read {value!r}: {' '.join(error.messages)}"
            continue
        kinds = type(meant).__name__, type(value).__name__
        if type(meant) is not type(value):
            yield field.name, f"{kinds[0]} as {kind}, but {kinds[1]} in its column ({value!r})"
        elif isinstance(value, datetime) and settings.USE_TZ and is_naive(value):
            yield field.name, f"a time with a zone as {kind}, but a time without a zone in its column ({value!r})"


def place(model: Any, name: str, root: str) -> dict[str, object]:
    """Returns the file and line of a field in the model, or of the model if `name` is empty."""
    path = inspect.getsourcefile(model)
    lines, first = inspect.getsourcelines(model)
    own = next((number for number, line in enumerate(lines) if re.match(rf"\s+{name}\s*[:=]", line)), 0)
    if path is None or not Path(path).resolve().is_relative_to(Path(root).resolve()):
        return {}
    return {"file": str(Path(path).resolve().relative_to(Path(root).resolve())), "line": first + own}


def look(table: str, root: str) -> tuple[int, list[dict[str, object]], str]:
    """Returns the exit code, the findings, and the summary of a pass."""
    from django.core.exceptions import ObjectDoesNotExist
    from django.db import Error

    model = find_model(table)
    if model is None:
        hint = f"no model of the project has the table {table}, so the row cannot be read through Django"
        return 5, [{"tool": "django", "rule": "no_model", "message": hint}], ""
    label, row = model._meta.label, left_row(table)
    try:
        instance = read(model, row)
    except (ObjectDoesNotExist, Error, ValueError, TypeError) as error:
        said = f"{label} cannot read the row of the form: {str(error).strip().partition(chr(10))[0]}"
        return 1, [{"tool": "django", "rule": "unreadable_row", "message": said, **place(model, "", root)}], ""
    found = [
        {"tool": "django", "rule": "type", "message": f"{label}.{name}: {said}", **place(model, name, root)}
        for name, said in disagreements(instance)
    ]
    return (1 if found else 0), found, "" if found else f"{label} reads it"


def main() -> int:
    _, _, port, name, table, root = sys.argv
    with redirect_stdout(sys.stderr):  # settings may print
        set_up_project()
        if code := unfit_database(port, name):
            return code
        try:
            code, found, summary = look(table, root)
        except Exception:  # code of the model may raise anything
            traceback.print_exc()
            return 1
    print(json.dumps({"diagnostics": found, "summary": summary}))
    return code


if __name__ == "__main__":
    sys.exit(main())
