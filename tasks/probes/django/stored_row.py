"""Reads the row that a form left through the Django project's own model of the table.

    stored_row.py HOST PORT NAME TABLE ROOT

Runs with the stack's packages, under production's settings, on the database made for this check and on no other (75).
intake.py has written down the row as the table's comment. Exit codes: 1 the model does not find it, or cannot read what
stands there; 5 no model has this table.
"""

# ruff: noqa: SLF001
# (Django documents _meta and _base_manager for everybody)

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
    """The model that the project has of the table."""
    from django.apps import apps

    return next((model for model in apps.get_models() if model._meta.db_table.replace('"', "") == table), None)


def left_row(table: str) -> dict[str, Any]:
    """The row that the form left, as Postgres had it."""
    from django.db import connection

    quoted = ".".join(connection.ops.quote_name(part) for part in table.split("."))
    with connection.cursor() as cursor:
        cursor.execute(COMMENT, [quoted])
        row: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return row


def read(model: Any, row: dict[str, Any]) -> Any:
    """The row as an instance, read from the database that the settings name."""
    key = model._meta.pk
    return model._base_manager.get(pk=row[key.column])


def disagreements(instance: Any) -> Iterator[tuple[str, str]]:
    """Fields whose type is not that of what stands in their columns, with what is wrong."""
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
            yield field.name, f"{kinds[0]} as {kind}, and {kinds[1]} in its column ({value!r})"
        elif isinstance(value, datetime) and settings.USE_TZ and is_naive(value):
            yield field.name, f"a time with its zone as {kind}, and one without in its column ({value!r})"


def place(model: Any, name: str, root: str) -> dict[str, object]:
    """Where the model says so."""
    path = inspect.getsourcefile(model)
    lines, first = inspect.getsourcelines(model)
    own = next((number for number, line in enumerate(lines) if re.match(rf"\s+{name}\s*[:=]", line)), 0)
    if path is None or not Path(path).resolve().is_relative_to(Path(root).resolve()):
        return {}
    return {"file": str(Path(path).resolve().relative_to(Path(root).resolve())), "line": first + own}


def look(table: str, root: str) -> tuple[int, list[dict[str, object]], str]:
    """The exit code, what was found, and the summary of a pass."""
    from django.core.exceptions import ObjectDoesNotExist
    from django.db import Error

    model = find_model(table)
    if model is None:
        hint = f"no model of the project has the table {table}, so nothing can read the row as Django does"
        return 5, [{"tool": "django", "rule": "no_model", "message": hint}], ""
    label, row = model._meta.label, left_row(table)
    try:
        instance = read(model, row)
    except (ObjectDoesNotExist, Error, ValueError, TypeError) as error:
        said = f"{label} does not read the row of the form: {str(error).strip().partition(chr(10))[0]}"
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
        except Exception:  # a model may raise whatever it likes when it is read
            traceback.print_exc()
            return 1
    print(json.dumps({"diagnostics": found, "summary": summary}))
    return code


if __name__ == "__main__":
    sys.exit(main())
