"""Makes the command that calls a Worker's handler for cron triggers, and finds handlers for other events."""

import re

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bindings import remote_options
from tasks.catalogue.worker.bundling import worker_of
from tasks.catalogue.worker.service import OUTBOUND, WORKER, asks_database, services
from tasks.stack import Component
from tasks.steps import DB_URL, LIMIT, NONCE, PROBES, Command, address_of

# Handlers that make a Worker useful without one for requests.
_HANDLERS = re.compile(r"\b(?:scheduled|queue|email|tail|trace)\s*[(:,]|\b(?:WorkerEntrypoint|DurableObject)\b")
# The probe's exit codes without a verdict.
UNFIT = (
    (6, "port_taken"),
    (7, "unspoken"),
    (8, "service_lost"),
    (9, "unknown_host"),
    (10, "slow"),
    (11, "remote_binding"),
)


def handles_events(component: Component, context: CatalogueContext) -> bool:
    """Whether the Worker's code shows a handler for other events than requests, or methods for other Workers."""
    worker = worker_of(component)
    own = (path for path in worker.sources if not path.endswith(".d.ts"))
    return bool(worker.crons) or any(_HANDLERS.search(context.read(path)) for path in own)


def cron_absent(component: Component) -> str:
    """Returns why no trigger is called."""
    worker = worker_of(component)
    return "" if worker.crons else f"{worker.config} has no cron triggers"


def cron_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that calls `scheduled` once for each trigger, in the Worker's own runtime."""
    worker, (host, port) = worker_of(component), address_of(WORKER)
    triggers = (word for cron in worker.crons for word in ("--cron", cron))
    places = ("--host", host, "--port", port, "--outbound", ":".join(address_of(OUTBOUND)))
    command = Command(
        argv=(
            "python",
            f"{PROBES}/e2e/worker_cron.py",
            *places,
            "--proof",
            NONCE,
            "--within",
            LIMIT,
            *triggers,
            *remote_options(component, context),
        ),
        label="scheduled()",
        environment="ours",
        env=(("DATABASE_URL", DB_URL if asks_database(component, context) else ""),),
        verdicts=((1, "scheduled_failed"), (4, "not_ready")),
        unfit=UNFIT,
        explained=("unspoken", "unknown_host", "slow", "remote_binding"),
        answered=("scheduled_failed",),
        evidence="summary",
        parser="probe",
        limit=60 + 60 * len(worker.crons),
        services=services(component, context),
    )
    return (command,)
