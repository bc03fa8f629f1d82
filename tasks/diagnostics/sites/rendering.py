"""Errors of a page that a generator renders: they name built code, so the page is added to them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import last_line, shortened
from tasks.models import Diagnostic

_ROUTE = re.compile(r"├─ (?P<route>/\S*?)(?: \(.*)?$|└─ (?P<last>/\S*?)(?: \(.*)?$", re.MULTILINE)
# Astro 4: the error without its type, and above it the page that was rendered last.
_TRACED = re.compile(r"^(?P<message>\S.*)\n[ \t]+Stack trace:$", re.MULTILINE)
_PAGE = re.compile(r"^▶ (?P<path>\S+\.\w+)$", re.MULTILINE)


def rendering(error: Diagnostic, text: str) -> Diagnostic:
    """Adds the rendered page to an error whose frames are all in built code."""
    routes = [match["route"] or match["last"] for match in _ROUTE.finditer(text)]
    if error.file or not routes:
        return error
    return replace(error, message=f"{error.message} (page {last_line(chr(10).join(routes))})")


def traced(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors of Astro 4, with the file of the page that was rendered last."""
    pages = [match["path"] for match in _PAGE.finditer(text)]
    for match in _TRACED.finditer(text):
        error = Diagnostic(tool="build", message=shortened(match["message"]))
        yield replace(rendering(error, text), file=mapper.own(pages[-1]) if pages else None)
