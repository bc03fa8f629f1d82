"""The row for production's server: its answers, and the HEALTHCHECK of its image."""

from tasks.catalogue.django.healthcheck import declared, services_of
from tasks.catalogue.django.image import dockerfile_of, image_of
from tasks.catalogue.django.server import server, server_gap
from tasks.catalogue.health import health_paths
from tasks.catalogue.row import CatalogueContext, Row
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import DB_URL, LIMIT, OUT, PROBES, SERVER_HOST, SERVER_PORT, Command

HEALTH = "/admin/login/"
FACTS = f"{OUT}/django.json"


def health_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that sends a request to production's server, as a proxy would send it."""
    configured = context.configured(component).health
    path = health_paths(configured) or ("--path", HEALTH, "--else", "/")
    own = image_of(component, context).healthcheck
    limit = 120 + 30 * len(configured) + (own.longest if own else 0)
    arguments = (
        "--host",
        SERVER_HOST,
        "--port",
        SERVER_PORT,
        *path,
        "--also",
        "/",
        "--facts",
        FACTS,
        "--within",
        LIMIT,
    )
    arguments = (*arguments, *healthcheck_options(component, context, limit))
    request = Command(
        argv=("python", f"{PROBES}/e2e/http_health.py", *arguments),
        label=f"GET {', '.join(configured) or HEALTH}",
        environment="ours",
        env=(("DATABASE_URL", DB_URL),),
        verdicts=((1, "unhealthy"), (4, "not_ready"), (11, "image_unhealthy")),
        unfit=((5, "no_health_path"), (8, "service_lost"), (10, "healthcheck_unclear"), (12, "rows_absent")),
        explained=("no_health_path", "healthcheck_unclear", "rows_absent"),
        answered=("unhealthy",),
        evidence="summary",
        parser="probe",
        limit=limit,
        services=(server(component, context),),
    )
    return (request,)


def healthcheck_options(component: Component, context: CatalogueContext, limit: float) -> tuple[str, ...]:
    """Returns the probe's options for the HEALTHCHECK of the image. `limit` is that of the whole step."""
    own = image_of(component, context).healthcheck
    if own is None:
        return ()
    place = f"{dockerfile_of(component, context)}:{own.line}"
    doubts = (f"--doubt={each}" for each in services_of(component))
    return ("--healthcheck", place, "--healthcheck-wait", f"{own.longest:g}", "--usual", f"{limit:g}", *doubts)


def health_requires(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the gaps of the health check: a guessed server, and the image's own HEALTHCHECK without an image."""
    own = image_of(component, context).healthcheck
    path = dockerfile_of(component, context)
    said = f"the HEALTHCHECK of {path}:{own.line} was not run: it needs the image" if own else ""
    return (*server_gap(component, context), *((("image", said),) if said else ()))


def health_gaps(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the gap if the image has an own HEALTHCHECK that can run on no engine."""
    path, image = dockerfile_of(component, context), image_of(component, context)
    own = declared(path, image.target, context)
    if own is None or image.healthcheck is not None:
        return ()
    return (f"the HEALTHCHECK of {path}:{own.line} was not run: no file names the port at which it reaches the server",)


HEALTH_ROW = Row(
    name="django_health",
    title="Django health",
    stage=Stage.INTEGRATION,
    kinds=(Kind.WEB,),
    commands=health_commands,
    needs=("migrate",),
    database="migrated",
    # the server serves the static files that the build collected
    workspace_of="django_container",
    requires=health_requires,
    gaps=health_gaps,
    image=image_of,
)
