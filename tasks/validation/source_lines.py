"""Finds the file and the line of errors in a build that name a link, a page or an import, but not where it is. Pure."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from tasks.discovery.file_view import is_within
from tasks.models import Diagnostic, Result, Severity, Status

Read = Callable[[str], str]
"""Returns the text of a file of the stack; empty if there is none."""
BUILD = "build"
MOST = 10
"""The most errors of a check that are looked up: each one may read all pages of a site."""
_LINK = re.compile(r"^broken link (?P<link>\S+) on the page (?P<page>\S+)$")
_IMPORT = re.compile(r"[Cc]ould not resolve (?P<quote>[\"']?)(?P<name>[^\s\"']+)(?P=quote)")
_RENDERED = re.compile(r"\(page (?P<page>/\S*)\)$")
_PAGES = re.compile(r"\.(?:md|mdx|markdown|astro|svelte|vue|html|njk|liquid|[jt]sx?)$")
_ROUTED = re.compile(r"(?:^|/)(?:app|pages|src/routes)/(?P<route>.+)\.(?:md|mdx|astro|svelte|[jt]sx?)$")
_GROUP = re.compile(r"\([^/()]+\)/")
_END = re.compile(r"(?:^|/)(?:\+?page|index)$")


def with_source_lines(result: Result, component: str, paths: Collection[str], read: Read) -> Result:
    """Returns a failed result whose errors of a build have a place, if the component's files show it."""
    if result.status is not Status.FAILED:
        return result
    errors = [each for each in result.diagnostics if each.tool == BUILD and each.severity is Severity.ERROR][:MOST]
    own = [path for path in sorted(paths) if _PAGES.search(path) and is_within(path, component)]
    placed = {each: _placed(each, own, read) for each in errors} if errors else {}
    found = tuple(placed.get(each, each) for each in result.diagnostics)
    reason = result.reason
    for before, after in zip(result.diagnostics, found, strict=True):
        if after != before and before.message:
            reason = reason.replace(_said(before), _said(after), 1)
    return replace(result, diagnostics=found, reason=reason)


def _said(finding: Diagnostic) -> str:
    return f"{finding.location}: {finding.message}" if finding.file else finding.message


def _placed(finding: Diagnostic, paths: list[str], read: Read) -> Diagnostic:
    link, imported = _LINK.match(finding.message), _IMPORT.search(finding.message)
    if finding.file is None and link:
        for path in sorted(paths, key=lambda path: not _is_page(path, link["page"])):
            if line := _line_of(link["link"], read(path)):
                return replace(finding, file=path, line=line)
    elif finding.file is None and (rendered := _RENDERED.search(finding.message)):
        file = next((path for path in paths if _is_page(path, rendered["page"])), None)
        return replace(finding, file=file)
    elif finding.file and imported and not _is_shown(imported["name"], finding, read):
        # a bundler may count the lines of the module that it made of a page
        return replace(finding, line=_line_of(imported["name"], read(finding.file)), column=None)
    return finding


def _is_page(path: str, page: str) -> bool:
    """Whether a file makes a page, which a generator names by its file or by its route."""
    if path == page or path.endswith(f"/{page.lstrip('/')}"):
        return page.strip("/") != ""
    match = _ROUTED.search(path)
    if match is None:
        return False
    route = _END.sub("", _GROUP.sub("", match["route"]))
    return route == re.sub(r"(?:^|/)index\.html$|\.html$", "", page.strip("/"))


def _line_of(name: str, text: str) -> int | None:
    """Returns the first line with a name in quotes or brackets; None without one."""
    written = re.search(rf"[\"'`(=<]{re.escape(name)}[\"'`)>#?\s]", text)
    return text.count("\n", 0, written.start() + 1) + 1 if written else None


def _is_shown(name: str, finding: Diagnostic, read: Read) -> bool:
    """Whether the finding's line has the name."""
    assert finding.file is not None
    return any(name in line for line in _lines(read(finding.file), finding.line))


def _lines(text: str, line: int | None) -> Iterable[str]:
    """The line of this number; none if there is none."""
    lines = text.split("\n")
    return lines[line - 1 : line] if line else ()
