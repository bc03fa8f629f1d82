"""Makes the environment variables of the stack's Django processes: production's names with throwaway values."""

from collections.abc import Mapping

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.throwaway import DATABASE, throwaway_variables
from tasks.discovery.documents import parse_dotenv
from tasks.stack import Component
from tasks.steps import DB_URL


def filled(example: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Returns the example's values for names that are not yet known. Debug is always off, as in production."""
    debug = {name: "False" for name in example if name in {"DEBUG", "DJANGO_DEBUG"}}
    return {name: value for name, value in example.items() if value and name not in known} | debug


def example_of(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns the values of the component's `.env.example`, if it has one."""
    path = component.web.env_example if component.web else None
    return parse_dotenv(context.read(path)) if path and path in context.paths else {}


def filled_names(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the names with a value only in the example. Production needs them too."""
    own = own_env(component, context) | dict.fromkeys(context.secrets(component), "")
    example = example_of(component, context)
    from_example = filled(example, {**throwaway_variables(), **own})
    return tuple(sorted(name for name, value in from_example.items() if value == example[name]))


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
    env = throwaway_variables()
    env |= filled(example_of(component, context), env)
    module = context.configured(component).settings or (component.web.settings if component.web else "")
    if module and settings_module:
        env["DJANGO_SETTINGS_MODULE"] = module
    if component.python and component.python.paths:
        env["PYTHONPATH"] = ":".join(f"@work@/{path}".removesuffix("/.") for path in component.python.paths)
    return tuple(sorted((env | own).items()))
