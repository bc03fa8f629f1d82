"""Decides whether the HEALTHCHECK of an image can run next to the server of a run, and what a failure means."""

import re
from dataclasses import replace

from tasks.catalogue.row import CatalogueContext
from tasks.discovery.image.dockerfile import expand, parse_dockerfile
from tasks.discovery.image.healthcheck import read_healthcheck
from tasks.production import Healthcheck
from tasks.stack import Component

PORT = "8000"
"""The port of a server in an image, in a run."""
HERE = re.compile(r"(?P<host>\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0)|\[::1?\]):(?P<port>\d+)\b")
OPTION = re.compile(
    r"(?:^|\s)(?:--(?:bind|insecure-bind|listen|port|http|http-socket)|-b|-p)(?:[= ]|(?=[\d:]))(?:\S*:)?(\d+)(?=\s|$)"
)
SERVICES = frozenset({"redis", "valkey", "django-redis", "celery", "kombu", "pika", "elasticsearch", "opensearch-py"})
SERVICES |= {"pymongo", "boto3", "pymemcache", "pylibmc", "kafka-python", "confluent-kafka", "django-health-check"}
WAIT, LIMIT, START = 2.0, 60.0, 60.0
"""The longest times in a run. The server answers already, so long intervals of production show nothing more."""


def declared(dockerfile: str, target: str, context: CatalogueContext) -> Healthcheck | None:
    """Returns the HEALTHCHECK of the image's stage as the Dockerfile has it, or None."""
    return read_healthcheck(context.read(dockerfile), target) if dockerfile in context.paths else None


def runnable(
    component: Component, dockerfile: str, target: str, configured: tuple[str, ...], context: CatalogueContext
) -> Healthcheck | None:
    """Returns the HEALTHCHECK for a run, or None if it does not surely reach the server of the run."""
    found = declared(dockerfile, target, context)
    port = production_port(component, dockerfile, target, configured, context) if found else ""
    if found is None or not port:
        return None
    if port != PORT:
        argv = tuple(moved(word, port) for word in found.argv)
        if argv == found.argv:
            return None
        found = replace(found, argv=argv)
    return replace(found, wait=min(found.wait, WAIT), limit=min(found.limit, LIMIT), start=min(found.start, START))


def moved(word: str, port: str) -> str:
    """Returns a word with production's port on this host replaced by that of the run."""
    return HERE.sub(lambda each: f"{each['host']}:{PORT}" if each["port"] == port else each[0], word)


def production_port(
    component: Component, dockerfile: str, target: str, configured: tuple[str, ...], context: CatalogueContext
) -> str:
    """Returns the port that production's command names, or an empty text if it names none, or several."""
    launch = component.web.launch if component.web else None
    command = " ".join(configured) or (launch.found.value if launch else "")
    stage = parse_dockerfile(context.read(dockerfile)).stage(target)
    known = (stage.env if stage else {}) | dict(launch.env if launch else ())
    found = {match[1] for match in OPTION.finditer(expand(command, known) or "")}
    return found.pop() if len(found) == 1 else ""


def services_of(component: Component) -> tuple[str, ...]:
    """Returns the packages for services that a HEALTHCHECK may need, and that the run does not have."""
    return tuple(sorted(SERVICES & (component.python.packages if component.python else frozenset())))
