"""The variables of a build of Node packages."""

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.documents import parse_dotenv
from tasks.stack import Component


def example_env(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the build's variables: those of `.env.example`, overridden by the settings."""
    path = f"{component.path}/.env.example".removeprefix("./")
    example = parse_dotenv(context.read(path)) if path in context.paths else {}
    filled = {name: value for name, value in example.items() if value}
    return tuple(sorted((filled | own_env(component, context)).items()))
