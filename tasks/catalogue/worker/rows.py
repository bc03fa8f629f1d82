"""Rows for running Workers: the bundle's answer in its own runtime, its cron triggers, and a form that it stores."""

import re

from tasks.catalogue.health import health_paths
from tasks.catalogue.paths import matching
from tasks.catalogue.row import CatalogueContext, Row
from tasks.catalogue.worker.bindings import remote_gaps, remote_options
from tasks.catalogue.worker.bound import bound_components
from tasks.catalogue.worker.build import is_python, worker_absent
from tasks.catalogue.worker.bundling import worker_of
from tasks.catalogue.worker.database import across, database, migrated_by
from tasks.catalogue.worker.events import cron_absent, cron_commands, handles_events
from tasks.catalogue.worker.intake import form_absent, intake_commands
from tasks.catalogue.worker.pages_health import ROW as PAGES_ROW
from tasks.catalogue.worker.service import OUTBOUND, WORKER, asks_database, services
from tasks.discovery.file_view import is_within
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import DB_URL, LIMIT, NONCE, PROBES, Command, address_of

HEALTH = "/health"
_HEALTH = re.compile("health", re.IGNORECASE)
UNKNOWN = "/predeploy-unknown-page"
"""A path without an asset: the Worker, or `not_found_handling` of its assets, answers it."""


def guessed_paths(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the options for the paths to try: `/` first if no file of the Worker has or names a path for health."""
    worker = worker_of(component)
    if not worker.main:
        # without `html_handling`, only the file's own name leads to it
        return ("--path", "/", "--else", "/index.html")
    files = (path for path in matching(_HEALTH, context.paths) if is_within(path, component.path))
    names_it = not worker.sources or any(files) or any(HEALTH in context.read(path) for path in worker.sources)
    return ("--path", HEALTH, "--else", "/") if names_it else ("--path", "/", "--else", HEALTH)


def health_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that sends a request to the bundle in its runtime, and proves that this bundle answered."""
    configured = context.configured(component).health
    path = health_paths(configured) or guessed_paths(component, context)
    host, port = address_of(WORKER)
    proof = ("--outbound", ":".join(address_of(OUTBOUND)), "--proof", NONCE)
    silent = ("--silent",) if handles_events(component, context) else ()
    unknown = ("--unknown", UNKNOWN) if "assets" in worker_of(component).bindings else ()
    request = Command(
        argv=(
            "python",
            f"{PROBES}/e2e/http_health.py",
            "--host",
            host,
            "--port",
            port,
            *path,
            *proof,
            *silent,
            *unknown,
            *remote_options(component, context),
            "--limit",
            "15",
            "--within",
            LIMIT,
        ),
        label=f"GET {', '.join(configured) or path[1]}",
        environment="ours",
        env=(("DATABASE_URL", DB_URL if asks_database(component, context) else ""),),
        verdicts=((1, "unhealthy"), (4, "not_ready")),
        unfit=((5, "no_health_path"), (6, "port_taken"), (7, "unspoken"), (8, "service_lost"), (9, "remote_binding")),
        explained=("no_health_path", "unspoken", "remote_binding"),
        answered=("unhealthy",),
        evidence="summary",
        parser="probe",
        limit=90,
        services=services(component, context),
    )
    return (request,)


def runtime_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why a Worker cannot run: it has no package, or code in Python."""
    reason = worker_absent(component, context)
    if not reason and is_python(component):
        return f"{component.label} is a Worker in Python, which predeploy does not start"
    return reason


def intake_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why no form is sent to a Worker."""
    reason = runtime_absent(component, context)
    if not reason and not worker_of(component).main:
        return f"{component.label} deploys assets alone, without code that can store a form"
    return reason or form_absent(component, context)


ROWS = (
    Row(
        name="worker_health",
        title="Worker health",
        stage=Stage.INTEGRATION,
        kinds=(Kind.WORKER,),
        commands=health_commands,
        absent=runtime_absent,
        gaps=remote_gaps,
        needs=("worker_container",),
        across=across,
        database=database,
        migrated_by=migrated_by,
        reads=bound_components,
        workspace_of="worker_container",
    ),
    Row(
        name="worker_cron",
        title="Worker cron",
        stage=Stage.INTEGRATION,
        kinds=(Kind.WORKER,),
        commands=cron_commands,
        absent=lambda component, context: runtime_absent(component, context) or cron_absent(component),
        needs=("worker_container",),
        across=across,
        database=database,
        migrated_by=migrated_by,
        reads=bound_components,
        workspace_of="worker_container",
    ),
    Row(
        name="intake_e2e",
        title="Intake E2E",
        stage=Stage.INTEGRATION,
        kinds=(Kind.WORKER,),
        commands=intake_commands,
        absent=intake_absent,
        needs=("worker_container",),
        across=across,
        database=database,
        migrated_by=migrated_by,
        reads=bound_components,
        workspace_of="worker_container",
    ),
    PAGES_ROW,
)
