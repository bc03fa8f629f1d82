"""Finds which of ruff, mypy, pytest and black a Python component uses, and the file that configures each."""

import re
from collections.abc import Callable, Mapping

from tasks.discovery.documents import table
from tasks.discovery.file_view import FileView, join, lineage

TOOLS = ("black", "mypy", "pytest", "ruff")
# The configuration files and sections that each tool reads in a directory, in the tool's order.
_FILES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "black": (("pyproject.toml", "tool.black"),),
    "ruff": ((".ruff.toml", ""), ("ruff.toml", ""), ("pyproject.toml", "tool.ruff")),
    "mypy": (("mypy.ini", ""), (".mypy.ini", ""), ("pyproject.toml", "tool.mypy"), ("setup.cfg", "mypy")),
    "pytest": (
        ("pytest.toml", ""),
        ("pytest.ini", ""),
        (".pytest.ini", ""),
        ("pyproject.toml", "tool.pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ),
}
# Packages that show the use of a tool: the tool itself, or its plugins.
_COMPANIONS: Mapping[str, Callable[[str], bool]] = {
    "black": lambda name: name == "black",
    "ruff": lambda name: name == "ruff",
    "mypy": lambda name: name == "mypy",
    "pytest": lambda name: name == "pytest" or name.startswith("pytest-"),
}


def configurations(tree: FileView, directory: str) -> dict[str, str]:
    """Returns the nearest configuration file of each configured tool, up to the stack's root."""
    found = {tool: _configuration(tree, directory, tool) for tool in TOOLS}
    return {tool: path for tool, path in found.items() if path}


def used_tools(
    tree: FileView, directory: str, *, configured: Mapping[str, str], direct: frozenset[str], held: frozenset[str]
) -> frozenset[str]:
    """Returns the tools that are configured or are direct dependencies.

    `held` are the locked packages. A conftest.py counts as a configuration of pytest if pytest is among them.
    """
    used = set(configured)
    used |= {tool for tool in TOOLS if any(_COMPANIONS[tool](name) for name in direct)}
    if "pytest" in held and any(path.endswith("conftest.py") for path in tree.under(directory)):
        used.add("pytest")
    return frozenset(used)


def _configuration(tree: FileView, directory: str, tool: str) -> str:
    for above in lineage(directory):
        for name, section in _FILES[tool]:
            path = join(above, name)
            if tree.has(path) and (not section or _has_section(tree, path, section)):
                return path
    return ""


def _has_section(tree: FileView, path: str, section: str) -> bool:
    if path.endswith(".toml") and tree.table(path):
        parsed: object = tree.table(path)
        *above, last = section.split(".")
        return last in table(parsed, *above)
    # An ini file, or a broken TOML file, whose headings can still be read.
    return bool(re.search(rf"^\[{re.escape(section)}[\].]", tree.text(path), re.MULTILINE))
