"""Finds the paths that a site's host, or a Worker of the stack, answers without a file of the site."""

import posixpath
import re
from collections.abc import Iterator, Sequence

from tasks.discovery.documents import Table, string, table, tables
from tasks.discovery.file_view import FileView, join, lineage

# Answers that are no pages.
_GONE = (404, 410)
_SPECIAL = re.compile(r"(\*|:\w+\*?)")


def host_paths(tree: FileView, package: str) -> tuple[str, ...]:
    """Returns regular expressions of the paths that netlify.toml and vercel.json redirect or rewrite."""
    found: dict[str, None] = {}
    for above in lineage(package):
        netlify = tree.table(join(above, "netlify.toml"))
        if _is_for(netlify, above, package):
            found |= dict.fromkeys(_netlify(netlify))
        # Vercel reads the file in the root directory of its project
        if above in {package, "."}:
            found |= dict.fromkeys(_vercel(tree.table(join(above, "vercel.json"))))
    return tuple(found)


def _is_for(netlify: Table, directory: str, package: str) -> bool:
    """Whether a netlify.toml is for a package: it is next to it, or its base is the package or is not given."""
    base = string(netlify, "build", "base").strip("/")
    return directory == package or not base or posixpath.normpath(join(directory, base)) == package


def _netlify(document: Table) -> Iterator[str]:
    for rule in tables(document, "redirects"):
        if rule.get("status") not in _GONE and (path := string(rule, "from")).startswith("/"):
            yield glob_pattern(path)


def _vercel(document: Table) -> Iterator[str]:
    for key in ("redirects", "rewrites"):
        for rule in tables(document, key):
            yield _checked(_vercel_pattern(string(rule, "source")))
    rewrites = table(document, "rewrites")  # also an object with `beforeFiles` and others
    for key in rewrites:
        for rule in tables(rewrites, key):
            yield _checked(_vercel_pattern(string(rule, "source")))
    for rule in tables(document, "routes"):
        if string(rule, "src") and rule.get("status") not in _GONE and not rule.get("continue"):
            yield _checked(string(rule, "src"))


def _vercel_pattern(source: str) -> str:
    """Returns the regular expression of a path in Vercel's syntax: `:name`, `:path*` and groups such as `(.*)`."""

    def replaced(match: re.Match[str]) -> str:
        if match["rest"]:
            return "(?:/.*)?"
        return f"/{match['group']}" if match["group"] else "/[^/]+"

    return re.sub(r"/:\w+(?:(?P<rest>[*+])|(?P<group>\([^)]*\)[*+]?))?", replaced, source)


def _checked(pattern: str) -> str:
    """Returns the pattern, or one that matches no path if it is no valid regular expression of Python."""
    try:
        re.compile(pattern)
    except re.error:
        return "(?!)"
    return pattern


def glob_pattern(path: str) -> str:
    """Returns the regular expression of a path with `*` and `:name`."""
    parts = (".*" if part == "*" else "[^/]+" if part[:1] == ":" else re.escape(part) for part in _SPECIAL.split(path))
    pattern = "".join(parts)
    return f"{pattern.removesuffix('/.*')}(?:/.*)?" if pattern.endswith("/.*") else f"{pattern.removesuffix('/')}/?"


def route_paths(documents: Sequence[Table], host: str) -> tuple[str, ...]:
    """Returns regular expressions of the paths that routes of Workers answer on the host of a site.

    If the site's `host` is unknown, routes on every host count. A route for all paths of a host says nothing about a
    path.
    """
    found: dict[str, None] = {}
    for document in documents:
        for section in (document, *(table(document, "env", name) for name in table(document, "env"))):
            for route in _routes(section):
                name, slash, path = route.partition("://")[2].partition("/") if "://" in route else route.partition("/")
                if slash and _is_on(name, path, host):
                    found[glob_pattern("/" + path)] = None
    return tuple(found)


def _routes(section: Table) -> Iterator[str]:
    listed = section.get("routes")
    yield from (each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, str))
    yield from (string(each, "pattern") for each in tables(section, "routes") if not each.get("custom_domain"))
    yield from (found for found in (string(section, "route"), string(section, "route", "pattern")) if found)


def _is_on(pattern: str, path: str, host: str) -> bool:
    if path == "*" or not host:
        return path != "*"
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return any(re.fullmatch(expression, name) for name in (host, host.removeprefix("www."), f"www.{host}"))
