"""Finds the environment variable that an error of the settings is about, and the value to try next."""

from __future__ import annotations

import importlib.util
import json
import linecache
import os
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIBRARY = str(Path(os.__file__).parent)
HERE = str(Path(__file__).parent)
VALUES = Path(__file__).parents[1] / "throwaway_values.py"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z]{3,}")
NO_VALUE = (ImportError, SyntaxError, NameError, RecursionError)
"""Errors that another value of a variable does not prevent."""
BY_TYPE = {"int": "number", "float": "number", "bool": "boolean", "url": "url", "list": "json_list", "dict": "json"}
BY_TYPE.update(uuid="uuid", json="json", date="date", datetime="datetime", model="json", set="json_list")


def load_values() -> Any:
    """Returns the module with the throwaway values, which the catalogue shares."""
    spec = importlib.util.spec_from_file_location("predeploy_throwaway_values", VALUES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Filling:
    """The variables that this process filled, and those that the settings missed in the last attempt."""

    def __init__(self, database: str, filled: list[str]) -> None:
        self.database = database
        self.missed: list[str] = []
        self.added: set[str] = set()
        self.blocked = ""
        self.tried: dict[str, list[str]] = {name: [os.environ[name]] for name in filled if name in os.environ}
        self._reasons: dict[str, BaseException] = {}
        self._started: dict[str, BaseException] = {}
        self.values: Any = None

    def take(self, error: BaseException) -> bool:
        """Fills or changes a variable that the error is about. Returns whether another attempt may help."""
        shapes = dict(shapes_of(error))
        absent = [name for name in (*shapes, *self._absent(error)) if name not in os.environ]
        self.missed = []
        for name in dict.fromkeys(absent):
            self._set(name, shapes.get(name, "text"))
            self._reasons.setdefault(name, error)
            self.added.add(name)
        if absent:
            return True
        if fill_nested(error):
            return True
        if isinstance(error, KeyError) and error.args and error.args[0] in self.added:
            self.added.discard(error.args[0])  # the key of another table
            return False
        if isinstance(error, NO_VALUE):
            # a module that a throwaway names
            values = ((name, value.partition(".")[0]) for name in self._reasons for value in self.tried[name])
            self.blocked = next((name for name, value in values if value in str(error)), "")
            return False
        name = self._refused(shapes) or self._culprit(error)
        if name and self._change(name, shapes.get(name, ""), error):
            return True
        self.blocked = name
        return False

    def cause(self, error: BaseException) -> BaseException:
        """Returns the error to raise: the first one about the variable for which no value was accepted."""
        return self._reasons.get(self.blocked) or self._started.get(self.blocked, error)

    def _absent(self, error: BaseException) -> Iterator[str]:
        """Yields the absent variables that an error names, or the last one if it is about None."""
        missed = list(dict.fromkeys(self.missed))
        texts = [str(each) for each in chain(error)]
        keys = [each.args[0] for each in chain(error) if isinstance(each, KeyError) and each.args]
        yield from (key for key in keys if isinstance(key, str) and VARIABLE.fullmatch(key) and key not in self.tried)
        yield from (name for name in missed if any(mentions(text, name) for text in texts))
        about_none = isinstance(error, (TypeError, AttributeError)) and "None" in str(error)
        if (about_none or "SECRET_KEY setting must not be empty" in str(error)) and missed:
            yield missed[-1]

    def _refused(self, shapes: dict[str, str]) -> str:
        """Returns the filled variable of a field that has a wrong value, or the last one of its nested fields."""
        inner = (name for name in reversed(self.tried) if any(name.startswith(f"{each}__") for each in shapes))
        return next(inner, "") or next((name for name in shapes if name in self.tried), "")

    def _culprit(self, error: BaseException) -> str:
        """Returns the filled variable whose value the settings refuse: the error or the failed line names it."""
        texts = [str(each) for each in chain(error)]
        for name, tried in self.tried.items():
            if any(mentions(text.upper(), name.upper()) or tried[-1] in text for text in texts):
                return name
        words = set(words_of_lines(error))
        return next((name for name, tried in reversed(self.tried.items()) if {name, tried[-1]} & words), "")

    def _change(self, name: str, hint: str, error: BaseException) -> bool:
        """Gives a variable another value. Returns False after the last one, with the first value again."""
        self._started.setdefault(name, error)
        self.values = self.values or load_values()
        for shape in filter(None, (hint, *choices_of(error), *self.values.ROTATION)):
            value = shape[1:] if shape.startswith("=") else self._value(name, shape)
            if value not in self.tried[name]:
                self.tried[name].append(value)
                os.environ[name] = value
                return True
        os.environ[name] = self.tried[name][0]
        return False

    def _set(self, name: str, shape: str) -> None:
        value = shape[1:] if shape.startswith("=") else self._value(name, shape)
        self.tried.setdefault(name, []).append(value)
        os.environ[name] = value

    def _value(self, name: str, shape: str) -> str:
        self.values = self.values or load_values()
        return str(self.values.throwaway_value(name, shape, self.database))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def words_of_lines(error: BaseException) -> Iterator[str]:
    """Yields the words in the failed lines of the stack, and the texts that these names have there."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if is_own(frame.f_code.co_filename):
            known = {**frame.f_globals, **frame.f_locals}
            for number in range(line - 1, line + 2):
                for word in NAME.findall(linecache.getline(frame.f_code.co_filename, number)):
                    yield word
                    yield known[word] if isinstance(known.get(word), str) else word


def is_own(file: str) -> bool:
    """Whether a file belongs to the stack."""
    return bool(file) and "-packages" not in file and not file.startswith((LIBRARY, "<", HERE))


def mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text) is not None


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
