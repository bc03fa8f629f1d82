"""Marks an answer of production's server that failed because the run's database has no rows.

Production has rows that its owner made: a site, a home page, the one row of a configuration. The run has only those of
the migrations. The probe that sends the requests reads the mark: such an error of a page is no verdict about the code.
"""

from __future__ import annotations

import functools
import os
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from predeploy_missing import is_own

HEADER = "X-Predeploy-Rows"
EMPTY: list[str] = []
"""The models whose queries returned nothing during the request."""
ALWAYS = ("ObjectDoesNotExist", "IndexError", "ZeroDivisionError", "StopIteration")
"""Errors that come of an absent row, if a query returned none."""
ABOUT_NONE = ("AttributeError", "TypeError", "UndefinedError")


def install(module: ModuleType) -> None:
    """Watches queries, or marks answers: for the module that has them."""
    found: Any = module
    if module.__name__ == "django.db.models.query":
        watch(found.QuerySet)
    else:
        found.response_for_exception = marking(found.response_for_exception)


def begin(**_: object) -> None:
    """Forgets the queries of the last request."""
    EMPTY.clear()


def watch(kind: Any) -> None:
    """Notes each query that returned no row, and each aggregate over none."""
    fetch, aggregate, count = kind._fetch_all, kind.aggregate, kind.count  # noqa: SLF001 - each way to rows ends here

    @functools.wraps(fetch)
    def fetch_all(self: Any) -> None:
        fetch(self)
        if not self._result_cache:
            note(self)

    @functools.wraps(aggregate)
    def aggregate_all(self: Any, *args: Any, **named: Any) -> Any:
        found = aggregate(self, *args, **named)
        if None in found.values():
            note(self)
        return found

    @functools.wraps(count)
    def count_all(self: Any) -> Any:
        found = count(self)
        if found == 0:
            note(self)
        return found

    for name, function in (("_fetch_all", fetch_all), ("aggregate", aggregate_all), ("count", count_all)):
        setattr(kind, name, function)


def note(queries: Any) -> None:
    label = getattr(getattr(queries.model, "_meta", None), "label", "")
    if label:
        EMPTY.append(label)


def marking(original: Any) -> Any:
    """Returns the function of Django that makes the answer to an exception, with the mark."""

    @functools.wraps(original)
    def response_for_exception(request: Any, error: Exception) -> Any:
        response = original(request, error)
        if response.status_code >= 500 and EMPTY and is_about_rows(error):
            found = f"{EMPTY[-1]}{place_of(error)}".encode("ascii", "replace").decode()
            response[HEADER] = found
            os.write(2, f"\n{HEADER}: {found}\n".encode())  # for the HEALTHCHECK of an image, which shows no header
        return response

    return response_for_exception


def is_about_rows(error: BaseException) -> bool:
    """Whether an error is one that an absent row causes."""
    names = {each.__name__ for each in type(error).__mro__}
    text = str(error)
    if names.intersection(ALWAYS):
        return True
    if names.intersection(ABOUT_NONE):
        return "None" in text
    if "NoReverseMatch" in names:
        return "''" in text or "None" in text
    return "ValueError" in names and "empty" in text


def place_of(error: BaseException) -> str:
    """Returns the place of the stack's own code that failed, as ` at FILE:LINE`."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(file, line) for file, line in frames if is_own(file)]
    if not own:
        return ""
    root = os.environ.get("PREDEPLOY_WORK") or str(Path.cwd())
    return f" at {own[-1][0].replace(root + '/', '')}:{own[-1][1]}"
