"""Finds which quality tools a Python component configures or depends on, and the file that configures each."""

import re
from collections.abc import Mapping

from tasks.discovery.documents import table
from tasks.discovery.file_view import FileView, join, lineage

TOOLS = ("black", "flake8", "isort", "mypy", "pyright", "pytest", "ruff")
# The configuration files and sections that each tool reads in a directory, in the tool's order.
_FILES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "black": (("pyproject.toml", "tool.black"),),
    "flake8": (("setup.cfg", "flake8"), ("tox.ini", "flake8"), (".flake8", "flake8")),
    "isort": (
        (".isort.cfg", ""),
        ("pyproject.toml", "tool.isort"),
        ("setup.cfg", "isort"),
        ("tox.ini", "isort"),
    ),
    "pyright": (("pyrightconfig.json", ""), ("pyproject.toml", "tool.pyright")),
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
    used |= {tool for tool in TOOLS if tool in direct}
    # A plugin of pytest shows its use.
    used |= {"pytest"} if any(name.startswith("pytest-") for name in direct) else set()
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
