"""Makes the environment variables of the stack's Django processes: production's names, with values for this run."""

import json
import re
from collections.abc import Mapping

from tasks.catalogue.django.database import database_variables, uses_postgres
from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.throwaway import DATABASE, database_url, throwaway_keys, throwaway_variables, without_addresses
from tasks.discovery.django.given import FOR_DOCKER
from tasks.discovery.documents import parse_dotenv
from tasks.probes.throwaway_values import HOSTS, throwaway_value
from tasks.settings.mistakes import spelled
from tasks.stack import Component
from tasks.steps import DB_URL, PROBES, WORK
from tasks.variable import Variable

STARTUP = f"{PROBES}/startup"
"""On the module path, its `sitecustomize` sets up the loader of the settings."""
DEBUG = re.compile(r"(?:.*_)?DEBUG")
OFF = {"true": "false", "1": "0", "yes": "no", "on": "off", "t": "f", "y": "n"}
SQLITE_URL = "sqlite:///predeploy.sqlite3"


def example_of(component: Component, context: CatalogueContext) -> dict[str, tuple[str, str]]:
    """Returns the values in the component's example files, with the file. The first file with a name counts."""
    web = component.web
    paths = dict.fromkeys(filter(None, (web.env_example, *web.examples))) if web else {}
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        for name, value in parse_dotenv(context.read(path)).items() if path in context.paths else ():
            if value and not FOR_DOCKER.fullmatch(name):
                found.setdefault(name, (value, path))
    return found


def production_value(name: str, value: str) -> str:
    """Returns the value of an example for this run: debug is off in the example's spelling, and no host exists."""
    if DEBUG.fullmatch(name):
        off = OFF.get(value.lower(), value)
        return off.capitalize() if value[:1].isupper() else off
    return without_addresses(name, value)


def fills(component: Component, context: CatalogueContext) -> dict[str, tuple[str, str]]:
    """Returns the variables that predeploy fills, with their files: from examples, image and compose files.

    The file is empty for a throwaway value. Left out are names that are configured, and those of key and database.
    """
    web = component.web
    if web is None:
        return {}
    reads = {each.name: each for each in web.reads}
    found = example_of(component, context)
    for name, value, path in web.given:
        if name in reads and value:
            found.setdefault(name, (value, path))
    has_postgres = uses_postgres(component)
    known = {*throwaway_keys(), *database_variables(component, {name: value for name, (value, _) in found.items()})}
    known |= {*own_env(component, context), *context.secrets(component), "DJANGO_SETTINGS_MODULE"}
    filled = {name: (production_value(name, value), path) for name, (value, path) in found.items()}
    url = database_url(web.scheme) if has_postgres else SQLITE_URL
    for name, read in reads.items():
        if read.required and name not in filled:
            filled[name] = (value_of(read, url), "")
    return {name: each for name, each in sorted(filled.items()) if name not in known}


def value_of(read: Variable, database: str) -> str:
    """Returns a throwaway value of the right shape, or one of the texts that the code compares with."""
    if read.choices and read.shape == "text":
        return min(read.choices, key=lambda each: "prod" not in each.lower())
    return throwaway_value(read.name, read.shape, database)


def filled_names(component: Component, context: CatalogueContext) -> dict[str, tuple[str, ...]]:
    """Returns by file the names with a value only there. Production needs them too. Throwaways have no file."""
    dockerfile = component.web.dockerfile if component.web else None
    found: dict[str, tuple[str, ...]] = {}
    if component.web is not None:
        usual = {*throwaway_variables(), *own_env(component, context), *context.secrets(component)}
        names = database_variables(component, {}).keys() - usual
        needed = tuple(each.name for each in component.web.reads if each.required and each.name in names)
        found |= {"the run's database": needed} if needed else {}
    defaulted = {each.name for each in (component.web.reads if component.web else ()) if each.default}
    for name, (_, path) in fills(component, context).items():
        if not DEBUG.fullmatch(name) and name not in defaulted and (not path or path != dockerfile):
            found[path] = (*found.get(path, ()), name)
    return found


def own_env(component: Component | None, context: CatalogueContext) -> dict[str, str]:
    """Returns the configured variables, with `{db.url}` and the like replaced by the database tokens."""
    configured = {**context.settings.env, **(context.configured(component).env if component else {})}
    tokens = {f"{{{token.strip('@')}}}": token for token in (DB_URL, *DATABASE.values())}
    for word, token in tokens.items():
        configured = {name: value.replace(word, token) for name, value in configured.items()}
    return configured


def django_env(
    component: Component, context: CatalogueContext, *, settings_module: bool = True
) -> tuple[tuple[str, str], ...]:
    """Returns the variables for a process of the component, sorted by name. Configured values win."""
    own = own_env(component, context)
    filled = {name: value for name, (value, _) in fills(component, context).items()}
    examples: Mapping[str, str] = {name: value for name, (value, _) in example_of(component, context).items()}
    given = {name: value for name, value, _ in (component.web.given if component.web else ())}
    env = throwaway_keys() | database_variables(component, {**given, **examples}) | filled
    if component.python and "dynaconf" in component.python.packages:
        env["DJANGO_ALLOWED_HOSTS"] = json.dumps(HOSTS.split(","))  # dynaconf puts the value itself into the settings
    module = context.configured(component).settings or (component.web.settings if component.web else "")
    if module and settings_module:
        env["DJANGO_SETTINGS_MODULE"] = module
    paths = component.python.paths if component.python else ()
    modules = [own["PYTHONPATH"]] if own.get("PYTHONPATH") else [f"@work@/{path}".removesuffix("/.") for path in paths]
    path = {"PYTHONPATH": ":".join([STARTUP, *modules])}
    return tuple(sorted((env | own | path | loader_variables(component, context)).items()))


def loader_variables(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns the variables for predeploy's loader of the settings, which starts with each Python process.

    PREDEPLOY_TABLE is the component's table in predeploy.toml, for the advice of probes.
    """
    throwaways = sorted(name for name, (_, path) in fills(component, context).items() if not path)
    env = {"PREDEPLOY_DATABASE": DB_URL, "PREDEPLOY_WORK": WORK, "PREDEPLOY_FILLED": ",".join(throwaways)}
    env["PREDEPLOY_TABLE"] = spelled(("component", component.path, "env"))
    if component.web is not None and component.web.directories:
        env["PREDEPLOY_DIRECTORIES"] = ":".join(component.web.directories)
    is_free = component.web is not None and not component.web.postgres
    return env | ({"PREDEPLOY_SQLITE": "1"} if is_free else {})
