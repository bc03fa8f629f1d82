"""The environment that a Django process of the stack gets: what production would give it, with throwaway values."""

from collections.abc import Mapping

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.throwaway import DATABASE, given
from tasks.discovery.documents import parse_dotenv
from tasks.stack import Component
from tasks.steps import DB_URL


def filled(example: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """What the example fills in: names that nobody gave and that have a value there. Production is never in debug."""
    debug = {name: "False" for name in example if name in {"DEBUG", "DJANGO_DEBUG"}}
    return {name: value for name, value in example.items() if value and name not in taken} | debug


def example_of(component: Component, context: CatalogueContext) -> dict[str, str]:
    """The values of the component's `.env.example`, where it has one."""
    path = component.web.env_example if component.web else None
    return parse_dotenv(context.read(path)) if path and path in context.paths else {}


def filled_names(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Names that only the example gave a value: production needs them too."""
    own = own_env(component, context) | dict.fromkeys(context.secrets(component), "")
    example = example_of(component, context)
    return tuple(sorted(name for name, value in filled(example, {**given(), **own}).items() if value == example[name]))


def own_env(component: Component | None, context: CatalogueContext) -> dict[str, str]:
    """What the settings say, with `{db.url}` and the like standing for the check's database."""
    said = {**context.settings.env, **(context.configured(component).env if component else {})}
    tokens = {f"{{{token.strip('@')}}}": token for token in (DB_URL, *DATABASE.values())}
    for word, token in tokens.items():
        said = {name: value.replace(word, token) for name, value in said.items()}
    return said


def django_env(
    component: Component, context: CatalogueContext, *, settings_module: bool = True
) -> tuple[tuple[str, str], ...]:
    """Variables for one process of the component, sorted by name."""
    own = own_env(component, context)
    env = given()
    env |= filled(example_of(component, context), env)
    module = context.configured(component).settings or (component.web.settings if component.web else "")
    if module and settings_module:
        env["DJANGO_SETTINGS_MODULE"] = module
    if component.python and component.python.paths:
        env["PYTHONPATH"] = ":".join(f"@work@/{path}".removesuffix("/.") for path in component.python.paths)
    return tuple(sorted((env | own).items()))
