"""Finds the files of Django's settings: the deployed module, and the modules that it imports names from."""

import ast
import posixpath
from collections.abc import Callable, Iterable, Iterator

Has = Callable[[str], bool]


def settings_files(
    directory: str, settings: str, has: Has, read: Callable[[str], str]
) -> Iterator[tuple[str, ast.Module]]:
    """Yields each file of the settings once, the deployed module first. Broken files are left out.

    `directory` is the directory of manage.py, `settings` the name of the module.
    """
    places = (directory, posixpath.join(directory, "src"), ".")
    waiting = [*found(settings, places, has)] if settings else []
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        tree = parsed(read(path))
        if tree is None:
            continue
        yield path, tree
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                waiting += imported(node, path, places, has)
        if any(isinstance(node, ast.ImportFrom) and node.module == "split_settings.tools" for node in ast.walk(tree)):
            waiting += included(tree, path, has)


def included(tree: ast.Module, path: str, has: Has) -> Iterator[str]:
    """Yields the files that a module of django-split-settings includes. Patterns are left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py"):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), node.value))
            yield from [place] if has(place) else []


def parsed(text: str) -> ast.Module | None:
    """Returns the syntax tree of a Python file, or None if the file is broken."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two are for text that nests too deep
        return None


def imported(node: ast.ImportFrom, path: str, places: Iterable[str], has: Has) -> Iterator[str]:
    """Yields the files of an import between modules of the stack."""
    names = [alias.name for alias in node.names]
    module = node.module or ""
    if node.level:
        places = [posixpath.join(posixpath.dirname(path), *[".."] * (node.level - 1))]
    yield from found(module, places, has)
    # each name may be a module itself
    for name in names:
        if name != "*":
            yield from found(f"{module}.{name}".lstrip("."), places, has)


def found(module: str, places: Iterable[str], has: Has) -> Iterator[str]:
    """Yields the file of a module in the first place that has it."""
    ends = ("/__init__.py", ".py") if module else ("/__init__.py",)
    relative = module.replace(".", "/")
    candidates = (posixpath.normpath(f"{place or '.'}/{relative}{end}") for place in places for end in ends)
    yield from [path for path in candidates if has(path)][:1]
