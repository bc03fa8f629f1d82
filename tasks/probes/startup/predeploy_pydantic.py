"""Reads validation errors of pydantic's settings: which variables they are about, and the shapes to try next."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Iterator
from typing import Any

BY_TYPE = {"int": "number", "float": "number", "bool": "boolean", "url": "url", "list": "json_list", "dict": "json"}
BY_TYPE.update(uuid="uuid", json="json", date="date", datetime="datetime", model="json", set="json_list")


def choices_of(error: BaseException) -> list[str]:
    """Returns the texts that an error of pydantic expects, each after `=`."""
    return [
        f"={word}"
        for each in problems(error)
        for word in re.findall(r"'([^']+)'", str(each.get("ctx", {}).get("expected", "")))
    ]


def problems(error: BaseException) -> list[dict[str, Any]]:
    """Returns the problems in a validation error of pydantic."""
    if type(error).__name__ != "ValidationError" or not callable(getattr(error, "errors", None)):
        return []
    return list(error.errors())  # type: ignore[attr-defined]


def shapes_of(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yields the variables of pydantic's fields that are absent or have a wrong value, with the shape to try."""
    model = model_of(error)
    for problem in problems(error):
        name, rest = variable_of(model, problem["loc"])
        if name and not rest:
            kind = str(problem["type"]).partition("_")[0]
            yield name, nested_shape(model, problem["loc"]) or BY_TYPE.get(kind, "text")
    if type(error).__name__ == "SettingsError":  # the text is no JSON
        for field in re.findall(r'field "(\w+)"', str(error)):
            yield variable_of(model, (field,))[0], nested_shape(model, (field,)) or "json"


def model_of(error: BaseException) -> Any:
    """Returns the class of settings that raised a validation error."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        for value in frame.f_locals.values():
            if hasattr(type(value), "model_fields") and "env_prefix" in getattr(type(value), "model_config", {}):
                return type(value)
    return None


def variable_of(model: Any, place: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Returns the variable of a field, and the rest of the place if the variable holds JSON."""
    if model is None or not place:
        return "", ()
    config, first = model.model_config, str(place[0])
    known = model.model_fields.get(first)
    first = str(getattr(known, "validation_alias", None) or getattr(known, "alias", None) or first)
    aliases = {str(field.alias) for field in model.model_fields.values() if field.alias}
    aliases |= {str(field.validation_alias) for field in model.model_fields.values() if field.validation_alias}
    is_alias = first in aliases or first not in model.model_fields
    name = first if is_alias else f"{config.get('env_prefix') or ''}{first}"
    delimiter, inner = config.get("env_nested_delimiter") or "", [str(each) for each in place[1:]]
    if delimiter and inner:
        return delimiter.join([name, *inner]).upper(), ()
    return name if config.get("case_sensitive") else name.upper(), tuple(place[1:])


def nested_shape(model: Any, place: tuple[Any, ...]) -> str:
    """Returns `json` for a field that is a model, a list or a table."""
    field = model.model_fields.get(str(place[0])) if model is not None and len(place) == 1 else None
    annotation = getattr(field, "annotation", None)
    if hasattr(annotation, "model_fields"):
        return "json"
    origin = str(getattr(annotation, "__origin__", ""))
    return (
        "json_list" if any(word in origin for word in ("list", "tuple", "set")) else "json" if "dict" in origin else ""
    )


def fill_nested(error: BaseException) -> bool:
    """Adds missing fields to a variable with JSON. Returns whether one was added."""
    model, added = model_of(error), False
    for problem in problems(error):
        name, rest = variable_of(model, problem["loc"])
        if problem["type"] == "missing" and rest and name in os.environ:
            try:
                document = json.loads(os.environ[name])
            except ValueError:
                continue
            inner = document
            for part in rest[:-1]:
                inner = inner.setdefault(part, {}) if isinstance(inner, dict) else {}
            if isinstance(inner, dict) and rest[-1] not in inner:
                inner[rest[-1]] = f"predeploy-{rest[-1]}"
                os.environ[name], added = json.dumps(document), True
    return added
