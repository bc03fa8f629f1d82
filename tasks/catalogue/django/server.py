"""Finds production's server for a Django project, and its argv in a run."""

from tasks.catalogue.django.environment import django_env
from tasks.catalogue.row import CatalogueContext
from tasks.stack import Component, Web
from tasks.steps import SERVER_HOST, SERVER_PORT, Command

DEVELOPMENT_SERVER = "the stack names no production server: Django's development server answered"
SERVERS = ("gunicorn", "uvicorn", "granian", "hypercorn", "daphne", "waitress", "uwsgi")
# uWSGI does not find the packages of its own environment; it replaces the variable itself
UWSGI = ("uwsgi", "--home", "$(VIRTUAL_ENV)", "--master", "--die-on-term", "--need-app")


def web_of(component: Component) -> Web:
    """Returns the Django project of a component of kind `web`."""
    assert component.web is not None
    return component.web


def server_argv(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the argv of production's server, with the run's host and port."""
    web, packages = web_of(component), component.python.packages if component.python else frozenset()
    configured = context.configured(component).server
    if configured:
        return tuple(part.replace("{host}", SERVER_HOST).replace("{port}", SERVER_PORT) for part in configured)
    if web.server:
        return web.server
    bind = f"{SERVER_HOST}:{SERVER_PORT}"
    known = {
        "gunicorn": ("gunicorn", "--workers", "1", "--bind", bind, web.wsgi),
        "uvicorn": ("uvicorn", "--host", SERVER_HOST, "--port", SERVER_PORT, web.asgi),
        "granian": ("granian", "--interface", "wsgi", "--host", SERVER_HOST, "--port", SERVER_PORT, web.wsgi),
        "hypercorn": ("hypercorn", "--bind", bind, web.asgi or web.wsgi),
        "daphne": ("daphne", "--bind", SERVER_HOST, "--port", SERVER_PORT, web.asgi),
        "waitress": ("waitress-serve", f"--listen={bind}", web.wsgi),
        "uwsgi": (*UWSGI, "--http-socket", bind, "--module", web.wsgi),
    }
    for server in SERVERS:
        if server in packages and all(known[server]):
            return known[server]
    return ("python", "manage.py", "runserver", "--noreload", bind)


def server(component: Component, context: CatalogueContext) -> Command:
    """Returns the server as a service for the request."""
    return Command(
        argv=server_argv(component, context),
        label="server",
        cwd=web_of(component).directory,
        environment="production",
        env=django_env(component, context),
        secrets=context.secrets(component),
        parser="traceback",
    )


def server_gap(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the gap in the proof if only Django's development server can answer."""
    development = "runserver" in server_argv(component, context)
    return (("development_server", DEVELOPMENT_SERVER),) if development else ()
