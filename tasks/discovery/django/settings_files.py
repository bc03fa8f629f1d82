"""Finds the files of Django's settings: the deployed module, and the modules that it imports names from."""

import ast
import posixpath
from collections.abc import Iterable, Iterator

from tasks.catalogue.row import CatalogueContext
from tasks.stack import Web


def settings_files(web: Web, context: CatalogueContext) -> Iterator[tuple[str, ast.Module]]:
    """Yields each file of the settings once, the deployed module first. Broken files are left out."""
    places = (web.directory, posixpath.join(web.directory, "src"), ".")
    waiting = [*found(web.settings, places, context)] if web.settings else []
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        try:
            tree = ast.parse(context.read(path))
        except (SyntaxError, ValueError, RecursionError):
            continue
        yield path, tree
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                waiting += imported(node, path, places, context)


def imported(node: ast.ImportFrom, path: str, places: Iterable[str], context: CatalogueContext) -> Iterator[str]:
    """Yields the files of an import between settings modules: a relative import, or an import of all names."""
    names = [alias.name for alias in node.names]
    module = node.module or ""
    if node.level:
        package = posixpath.join(posixpath.dirname(path), *[".."] * (node.level - 1))
        yield from found(module, [package], context)
        # each name may be a module itself
        for name in names:
            yield from found(f"{module}.{name}".lstrip("."), [package], context)
    elif names == ["*"]:
        yield from found(module, places, context)


def found(module: str, places: Iterable[str], context: CatalogueContext) -> Iterator[str]:
    """Yields the file of a module in the first place that has it."""
    ends = ("/__init__.py", ".py") if module else ("/__init__.py",)
    relative = module.replace(".", "/")
    candidates = (posixpath.normpath(f"{place or '.'}/{relative}{end}") for place in places for end in ends)
    yield from [path for path in candidates if path in context.paths][:1]
