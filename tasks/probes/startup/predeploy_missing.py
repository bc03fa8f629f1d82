"""Finds the environment variable that an error of the settings is about, and the value to try next."""

from __future__ import annotations

import importlib.util
import linecache
import os
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from predeploy_pydantic import choices_of, fill_nested, shapes_of

LIBRARY = str(Path(os.__file__).parent)
HERE = str(Path(__file__).parent)
VALUES = Path(__file__).parents[1] / "throwaway_values.py"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z]{3,}")
NO_VALUE = (ImportError, SyntaxError, NameError, RecursionError)
"""Errors that another value of a variable does not prevent."""


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
            values = ((name, value.partition(".")[0]) for name, tried in self.tried.items() for value in tried)
            self.blocked = next((name for name, value in values if mentions(str(error), value)), "")
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
        missed = [name for name in dict.fromkeys(self.missed) if NAME.fullmatch(name)]
        texts = [str(each) for each in chain(error)]
        keys = [each.args[0] for each in chain(error) if isinstance(each, KeyError) and each.args]
        yield from (key for key in keys if isinstance(key, str) and VARIABLE.fullmatch(key) and key not in self.tried)
        yield from (name for name in missed if any(mentions(text, name) for text in texts))
        about_none = isinstance(error, (TypeError, AttributeError)) and "None" in str(error)
        is_exit = isinstance(error, SystemExit) and error.code not in (None, 0)
        if (about_none or is_exit or "SECRET_KEY setting must not be empty" in str(error)) and missed:
            yield missed[-1]

    def _refused(self, shapes: dict[str, str]) -> str:
        """Returns the filled variable of a field that has a wrong value, or the last one of its nested fields."""
        inner = (name for name in reversed(self.tried) if any(name.startswith(f"{each}__") for each in shapes))
        return next(inner, "") or next((name for name in shapes if name in self.tried), "")

    def _culprit(self, error: BaseException) -> str:
        """Returns the filled variable whose value the settings refuse: the error or the failed line names it."""
        texts = [str(each) for each in chain(error)]
        named = (name for name in self.tried if any(mentions(text.upper(), name.upper()) for text in texts))
        # a long value shows better than a short one, such as `1`, which variable it is of
        quoted = (
            name
            for name, tried in sorted(self.tried.items(), key=lambda item: -len(item[1][-1]))
            if tried[-1] and any(mentions(text, tried[-1]) for text in texts)
        )
        found = next(named, "") or next(quoted, "")
        words = set() if found else set(words_of_lines(error))
        return found or next((name for name, tried in reversed(self.tried.items()) if {name, tried[-1]} & words), "")

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
