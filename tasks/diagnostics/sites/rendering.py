"""Errors of generators that name a page or template: in built code the page is added to them."""

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
# Hugo: the place in quotes, and in a template's own message a line that is more exact.
_HUGO = re.compile(
    r'^(?:ERROR|Error:) .*?"(?P<path>[^"\n]+?\.\w+):(?P<line>\d+):(?P<column>\d+)": (?P<message>.+)$', re.MULTILINE
)
_TEMPLATE = re.compile(r"^.*\btemplate: (?P<name>\S+?):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<message>.+)$")
# A plugin of Vite that ends the build: its message, and then its frames.
_PLUGIN = re.compile(r"^(?P<message>\[[\w:@/.-]+\] \S.*)\n[ \t]+at \S", re.MULTILINE)


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


def templated(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors of Hugo, each at its template or page."""
    for match in _HUGO.finditer(text):
        inner = _TEMPLATE.search(match["message"])
        exact = inner if inner and match["path"].endswith(inner["name"].rpartition("/")[2]) else match
        yield Diagnostic(
            tool="build",
            message=shortened(inner["message"] if inner else match["message"]),
            file=mapper.own(match["path"]),
            line=int(exact["line"]),
            column=int(exact["column"]) if exact["column"] else None,
        )


def plugged(text: str) -> Iterator[Diagnostic]:
    """Yields the error of a plugin that ended a build of Vite."""
    for match in _PLUGIN.finditer(text):
        yield Diagnostic(tool="build", message=shortened(match["message"]))
