"""Finds the paths for mypy: those of the call of the stack, or of its configuration."""

import configparser
import re
import tomllib

from tasks.catalogue.quality.targets import neighbours
from tasks.catalogue.row import CatalogueContext
from tasks.stack import Component, ToolCall

MYPY_TARGETS = frozenset({"files", "packages", "modules"})
# Options of mypy that name what to check.
NAMING = frozenset({"-p", "--package", "-m", "--module"})
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


def mypy_target(component: Component, context: CatalogueContext, call: ToolCall | None) -> tuple[str, ...]:
    """Returns the paths of the stack's own call, else the project without its neighbours.

    Returns nothing if the call names packages, or if the configuration has a target.
    """
    named = call is not None and any(word.split("=")[0] in NAMING for word in call.options)
    if named or (mypy_configured(component, context) and not (call and call.paths)):
        return ()
    folders = neighbours(component, context, call)
    excluded = tuple(word for folder in folders for word in ("--exclude", f"^{re.escape(folder)}(?:/|$)"))
    return (*excluded, *(call.paths if call and call.paths else (".",)))
