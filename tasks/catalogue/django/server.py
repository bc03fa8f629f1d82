"""Finds production's server for a Django project, and its argv in a run."""

import posixpath
import re

from tasks.catalogue.django.environment import django_env
from tasks.catalogue.django.mysql import on_mysql
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.django.server import PACKAGES, is_server, listening, unwrapped
from tasks.discovery.django.uwsgi import HOME
from tasks.discovery.file_view import join
from tasks.settings.mistakes import spelled
from tasks.stack import Component
from tasks.steps import SERVER_HOST, SERVER_PORT, Command
from tasks.web import Web

DEVELOPMENT_SERVER = "the stack names no production server: Django's development server answered"
PLACES = frozenset({"HOME", "PATH", "PYTHONPATH", "VIRTUAL_ENV"})
ABSENT, TOOL_MISSING = (126, 127), "tool_missing"
SERVERS = ("gunicorn", "uvicorn", "granian", "hypercorn", "daphne", "waitress", "uwsgi")
UWSGI = ("uwsgi", *HOME, "--master", "--die-on-term", "--need-app")


def web_of(component: Component) -> Web:
    """Returns the Django project of a component of kind `web`."""
    assert component.web is not None
    return component.web


def configured_argv(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the configured command, with the run's host and port; empty if none is configured."""
    configured = context.configured(component).server or ()
    if configured and not any("{port}" in part for part in configured):
        return listening(configured, at_home=True) or configured
    return tuple(part.replace("{host}", SERVER_HOST).replace("{port}", SERVER_PORT) for part in configured)


def server_argv(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the argv of production's server, with the run's host and port."""
    web, packages = web_of(component), component.python.packages if component.python else frozenset()
    configured = configured_argv(component, context)
    if configured:
        # the environment's programs are on PATH, so `uv run` and the like are not needed
        return unwrapped(configured) or configured
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
    manage = ("manage.py",) if join(web.directory, "manage.py") in context.paths else ("-m", "django")
    return ("python", *manage, "runserver", "--noreload", bind)


def server(component: Component, context: CatalogueContext) -> Command:
    """Returns the server as a service for the request."""
    web, launch = web_of(component), web_of(component).launch
    configured = configured_argv(component, context)
    if configured:
        launch = None
    argv = server_argv(component, context)
    is_elsewhere = is_only_in_image(component, context, argv)
    command = Command(
        argv=argv,
        label="server",
        cwd=launch.directory if launch else web.directory,
        environment="production",
        env=server_env(component, context, is_launched=launch is not None),
        secrets=context.secrets(component),
        parser="traceback",
        verdicts=((1, "findings"), *((code, TOOL_MISSING) for code in ABSENT if not is_elsewhere)),
        unfit=tuple((code, TOOL_MISSING) for code in ABSENT if is_elsewhere),
        in_image=configured or (launch.in_image if launch else ()),
        entry=entry_of(component) if configured else (launch.entry if launch else None),
    )
    return on_mysql(command, component, context, is_migrated=True)


def is_only_in_image(component: Component, context: CatalogueContext, argv: tuple[str, ...]) -> bool:
    """Whether only the image may have the server's program: the Dockerfile installs it, and no locked package is it.

    A program of a locked package can be absent too: its extra or group is not installed.
    """
    name = posixpath.basename(argv[0])
    package = PACKAGES.get(name, name)
    packages = component.python.packages if component.python else frozenset()
    path = web_of(component).dockerfile or ""
    text = context.read(path).replace("\\\n", " ") if path in context.paths else ""
    installs = re.search(rf"\b(install|wheel|add)\b[^\n]*\b{re.escape(package)}\b", text, re.IGNORECASE)
    is_absent = is_server(name) and package not in packages
    return is_absent and not (packages and not installs)


def entry_of(component: Component) -> tuple[str, ...] | None:
    """Returns no entrypoint for a configured server if the image's own starts a server; else None, the image's own."""
    launch = web_of(component).launch
    return () if launch and launch.entry == () else None


def server_line(component: Component) -> str:
    """Returns the lines of predeploy.toml that name the server."""
    return f'Name it in predeploy.toml: [{spelled(("component", component.path))}] server = "…"'


def server_env(component: Component, context: CatalogueContext, *, is_launched: bool) -> tuple[tuple[str, str], ...]:
    """Returns the variables of the server's process: those of Django's processes, and those that its scripts set."""
    launch = web_of(component).launch
    own = {name: value for name, value in launch.env if name not in PLACES} if launch and is_launched else {}
    return tuple(sorted((own | {"PREDEPLOY_SERVER": "1"} | dict(django_env(component, context))).items()))


def server_gap(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the gap in the proof if no file names production's server."""
    argv = server_argv(component, context)
    if "runserver" in argv:
        return (("development_server", DEVELOPMENT_SERVER),)
    if configured_argv(component, context) or web_of(component).launch:
        return ()
    guessed = f"no file names production's server: {argv[0]} was guessed from the packages. {server_line(component)}"
    return (("guessed_server", guessed),)
