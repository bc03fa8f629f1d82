"""Finds the paths that the functions of a Pages project answer, and what a request without a meaning cannot show."""

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bundling import worker_of
from tasks.discovery.worker.worker_env import COMMENT
from tasks.stack import Component

# A handler of GET: of this method, or of all of them.
_HANDLER = re.compile(r"\bexport\b[^\n;]*\b(?P<name>onRequest(?:Get)?)\b")
_BODY = re.compile(r"\brequest\.(?:json|formData|text|arrayBuffer|blob|bytes)\(|\brequest\.body\b")
_QUERY = re.compile(r"\bsearchParams\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """A path without parameters that a function answers. `place` is the file and line of its handler.

    `doubts` are reasons why an error of the function may come from this run: it then gives no verdict.
    """

    path: str
    place: str
    doubts: tuple[str, ...] = ()


def page_routes(component: Component, context: CatalogueContext, throwaway: Collection[str]) -> tuple[PageRoute, ...]:
    """Returns the routes of functions that answer GET. `throwaway` are the variables without their real value."""
    folder = posixpath.normpath(posixpath.join(component.path, "functions")) + "/"
    files = (path for path in worker_of(component).sources if path.startswith(folder))
    found = (_route(path, path.removeprefix(folder), context.read(path), throwaway) for path in files)
    return tuple(route for route in found if route is not None)


def _route(file: str, name: str, text: str, throwaway: Collection[str]) -> PageRoute | None:
    """Returns the route of one file; None if its path has parameters, or if it has no handler for a plain GET."""
    code = COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    handlers = {found["name"]: found.start() for found in _HANDLER.finditer(code)}
    stem = posixpath.splitext(name)[0]
    if not handlers or "[" in stem or posixpath.basename(stem).startswith("_"):
        return None
    if "onRequestGet" not in handlers and _BODY.search(code):
        return None  # a form or an API for other methods
    start = handlers.get("onRequestGet", next(iter(handlers.values())))
    path = "/" + re.sub(r"(?:^|/)index$", "", stem)
    return PageRoute(
        path=path, place=f"{file}:{code.count(chr(10), 0, start) + 1}", doubts=tuple(_doubts(code, throwaway))
    )


def _doubts(code: str, throwaway: Collection[str]) -> Iterator[str]:
    names = [name for name in throwaway if re.search(rf"\b{re.escape(name)}\b", code)]
    if names:
        yield f"it reads {', '.join(names)}, which has a throwaway value here"
    if _QUERY.search(code):
        yield "it reads the query, and this request has none"
