"""The variables of a build of Node packages."""

import posixpath

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.documents import parse_dotenv
from tasks.probes.throwaway_values import throwaway_value
from tasks.stack import Component
from tasks.steps import DB_URL
from tasks.variable import Variable

EXAMPLES = (
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    ".env.local.example",
    ".env.production.example",
)


def example_env(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the build's variables: those of example files and throwaways, overridden by the settings."""
    env = throwaway_env(component, context) | examples_of(component, context)
    return tuple(sorted((env | own_env(component, context)).items()))


def examples_of(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns the values in the example files of the package, then of the workspace's root for what its code reads."""
    found: dict[str, str] = {}
    for name in EXAMPLES:
        found = _values(component.path, name, context) | found
    reads = {each.name for each in (component.node.reads if component.node else ())}
    for name in EXAMPLES if component.node and component.node.root != component.path else ():
        values = _values(component.node.root if component.node else ".", name, context)
        found = {key: value for key, value in values.items() if key in reads} | found
    return found


def _values(directory: str, name: str, context: CatalogueContext) -> dict[str, str]:
    path = posixpath.normpath(posixpath.join(directory, name))
    values = parse_dotenv(context.read(path)) if path in context.paths else {}
    return {key: value for key, value in values.items() if value}


def throwaway_env(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns throwaway values for variables that the build reads, and no example file and no secret has."""
    if component.node is None:
        return {}
    known = {*examples_of(component, context), *own_env(component, context), *context.secrets(component)}
    return {each.name: _value(each) for each in component.node.reads if each.name not in known}


def thrown_names(component: Component, context: CatalogueContext) -> dict[str, tuple[str, ...]]:
    """Returns the names of the build's throwaways by their file, which is an empty text; production needs them, too."""
    names = tuple(sorted(throwaway_env(component, context)))
    return {"": names} if names else {}


def _value(variable: Variable) -> str:
    value = next(iter(variable.choices), "") or throwaway_value(variable.name, variable.shape, DB_URL)
    # JavaScript spells it so
    return value.lower() if value == "False" else value
