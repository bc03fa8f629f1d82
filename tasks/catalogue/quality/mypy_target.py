"""Finds the paths for mypy if its configuration names none."""

import configparser
import re
import tomllib

from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import is_within, relative
from tasks.stack import Component

MYPY_TARGETS = frozenset({"files", "packages", "modules"})
MYPY_CONFIGS = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")


def joined(folder: str, name: str) -> str:
    """Returns a path below a folder of the tree, without a leading `./`."""
    return name if folder == "." else f"{folder}/{name}"


def mypy_section(name: str, text: str) -> frozenset[str] | None:
    """Returns mypy's options in a configuration file; None if it has none, or is broken. mypy reports the error."""
    try:
        if name.endswith(".toml"):
            section = tomllib.loads(text).get("tool", {}).get("mypy")
            return None if section is None else frozenset(section)
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        return frozenset(parser.options("mypy")) if parser.has_section("mypy") else None
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, TypeError):
        return None


def mypy_configured(component: Component, context: CatalogueContext) -> bool:
    """Whether the first file that configures mypy names what to check."""
    assert component.python is not None
    for name in MYPY_CONFIGS:
        path = joined(component.python.root, name)
        options = mypy_section(name, context.read(path)) if path in context.paths else None
        if options is not None:
            return bool(options & MYPY_TARGETS)
    return False


def foreign_projects(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns inner folders with another project that this one does not depend on. Its packages are not installed."""
    assert component.python is not None
    root = component.python.root
    own = {component.path, root, *component.python.paths}
    folders = {path.rpartition("/")[0] for path in context.paths if path.rpartition("/")[2] == "uv.lock"}
    inner = (folder for folder in folders if folder and is_within(folder, root))
    return tuple(sorted(folder for folder in inner if not any(is_within(path, folder) for path in own)))


def mypy_target(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the arguments for the project without its inner projects; none if the configuration has a target."""
    if mypy_configured(component, context):
        return ()
    assert component.python is not None
    folders = [relative(folder, component.python.root) for folder in foreign_projects(component, context)]
    return (*(word for folder in folders for word in ("--exclude", f"^{re.escape(folder)}/")), ".")
