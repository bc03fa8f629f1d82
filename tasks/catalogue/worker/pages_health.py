"""The row that starts a Pages project, its code together with its static pages, and sends it requests."""

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.health import health_paths
from tasks.catalogue.row import CatalogueContext, Row, slug
from tasks.catalogue.worker.bindings import remote_gaps, remote_options
from tasks.catalogue.worker.bound import bound_components
from tasks.catalogue.worker.bundling import worker_of
from tasks.catalogue.worker.database import across, database, migrated_by
from tasks.catalogue.worker.page_routes import page_routes
from tasks.catalogue.worker.service import OUTBOUND, WORKER, asks_database, services, worker_texts
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import DB_URL, LIMIT, NONCE, PROBES, Command, address_of

UNFIT = (
    (6, "port_taken"),
    (7, "unspoken"),
    (8, "service_lost"),
    (9, "unknown_host"),
    (10, "throwaway_value"),
    (11, "remote_binding"),
)


def pages_absent(component: Component, _: CatalogueContext) -> str:
    """Returns why no code of Pages can be started."""
    if component.worker is not None:
        return f"{component.label} is deployed as a Worker"
    if component.site is None or component.site.pages is None:
        return f"{component.label} has no functions of Cloudflare Pages and no _worker.js"
    return "" if component.node is not None else f"{component.label} has no package.json to install wrangler from"


def pages_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that asks `/` and the routes of functions, or the configured paths."""
    host, port = address_of(WORKER)
    configured = context.configured(component).health
    given = {*own_env(component, context), *context.secrets(component)}
    throwaway = sorted({*worker_texts(component, context)} - given)
    routes = () if configured else page_routes(component, context, throwaway)
    words = [word for route in routes for word in ("--route", route.path, route.place, "; ".join(route.doubts))]
    places = ("--host", host, "--port", port, "--outbound", ":".join(address_of(OUTBOUND)), "--proof", NONCE)
    path = health_paths(configured) or ("--path", "/")
    argv = (
        "python",
        f"{PROBES}/e2e/pages_requests.py",
        *places,
        *path,
        *words,
        *remote_options(component, context),
        "--within",
        LIMIT,
    )
    command = Command(
        argv=argv,
        label=f"GET {', '.join(configured) or '/'}",
        environment="ours",
        env=(("DATABASE_URL", DB_URL if asks_database(component, context) else ""),),
        verdicts=((1, "unhealthy"), (4, "not_ready")),
        unfit=UNFIT,
        explained=("unspoken", "unknown_host", "throwaway_value", "remote_binding"),
        answered=("unhealthy",),
        evidence="summary",
        parser="probe",
        limit=120,
        services=services(component, context),
    )
    return (command,)


def pages_gaps(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns what only Cloudflare has of a Pages project: bindings, and settings that no file names."""
    dashboard = (
        f"no wrangler file names the compatibility date, flags and bindings of {component.label}: "
        "they are in Cloudflare's dashboard"
    )
    return (*remote_gaps(component, context), *(() if worker_of(component).config else (dashboard,)))


ROW = Row(
    name="pages_health",
    title="Pages health",
    stage=Stage.INTEGRATION,
    kinds=(Kind.SITE,),
    commands=pages_commands,
    absent=pages_absent,
    gaps=pages_gaps,
    needs=lambda component, _: (f"site_{slug(component)}",),
    across=across,
    database=database,
    migrated_by=migrated_by,
    reads=bound_components,
    workspace_of=lambda component, _: f"site_{slug(component)}",
)
