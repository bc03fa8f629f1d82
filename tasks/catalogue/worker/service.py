"""Makes the services of a Worker: its bundle in its own runtime, and the server that gets all of its requests."""

import json
import re

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext, output_of
from tasks.catalogue.worker.bound import bound_workers, bundle_of
from tasks.catalogue.worker.bundling import directory_of, worker_of
from tasks.discovery.documents import parse_dotenv
from tasks.discovery.worker.worker_env import BINDINGS, worker_examples
from tasks.probes.throwaway_values import DATABASE
from tasks.stack import Component, Kind
from tasks.steps import DB_URL, NONCE, OUT, PROBES, WORK, Command, address_of

OUTBOUND, WORKER = "outbound", "worker"
# The password is random in each run, so the outbound server refuses other connections.
NEON_URL = f"postgresql://predeploy:{NONCE}@ep-predeploy.neon.invalid/neondb?sslmode=require"
CREDENTIALS = re.compile(r"(?:.*_)?(?:KEY|TOKEN|SECRET|PASSWORD|PASS|SALT)(?:_.*)?")
MYSQL = frozenset({"mysql", "mysql2"})
ADDRESSES = re.compile(r"(?:.*_)?(?:URL|URI|ORIGIN|ENDPOINT|WEBHOOK|HOST)")


def example_of(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns the values in the Worker's example files."""
    paths = reversed(worker_examples(component.path, context.paths.__contains__))
    return {name: value for path in paths for name, value in parse_dotenv(context.read(path)).items()}


def throwaway_value(name: str, example: str) -> str:
    """Returns a value for a variable that only production has. Credentials never get the example's value."""
    if DATABASE.fullmatch(name):
        return NEON_URL
    if CREDENTIALS.fullmatch(name):
        return f"predeploy-{NONCE}"
    host = f"{name.lower().replace('_', '-')}.predeploy.invalid"
    return example or (f"https://{host}" if ADDRESSES.fullmatch(name) else f"predeploy-{NONCE}")


def worker_texts(component: Component, context: CatalogueContext) -> dict[str, str]:
    """Returns the text variables that the wrangler file does not set. Configured values win."""
    example = example_of(component, context)
    texts = {name: throwaway_value(name, example.get(name, "")) for name in worker_of(component).reads}
    own = {name: value.replace(DB_URL, NEON_URL) for name, value in own_env(component, context).items()}
    secret = context.secrets(component)
    return {name: value for name, value in sorted((texts | own).items()) if name not in secret}


def has_hyperdrive(component: Component) -> bool:
    """Whether a Worker reaches the run's Postgres by Hyperdrive. One with a driver of MySQL needs another database."""
    packages = component.node.dependencies if component.node else {}
    return bool(worker_of(component).bindings.get("hyperdrive")) and MYSQL.isdisjoint(packages)


def asks_database(component: Component, context: CatalogueContext) -> bool:
    """Whether the Worker gets the run's database: by a variable with its address, or by Hyperdrive."""
    if has_hyperdrive(component):
        return True
    secret = (DATABASE.fullmatch(name) for name in context.secrets(component))
    return any(NEON_URL in value for value in worker_texts(component, context).values()) and not any(secret)


def migrating(component: Component, context: CatalogueContext) -> Component | None:
    """Returns the Django project that migrates the Worker's database, or None."""
    form = context.form(component)
    webs = (web for web in context.stack.of(Kind.WEB) if "migrate" not in context.configured(web).skip)
    return next((web for web in webs if form is None or form.web in {None, web.path}), None)


def outbound(component: Component, context: CatalogueContext) -> Command:
    """Returns the server that gets every outbound request of the Worker."""
    host, port = address_of(OUTBOUND)
    has_database = asks_database(component, context)
    return Command(
        argv=("python", f"{PROBES}/e2e/outbound.py", "--host", host, "--port", port),
        label=OUTBOUND,
        environment="ours",
        env=(
            ("DATABASE_URL", DB_URL if has_database else ""),
            ("PREDEPLOY_NEON_URL", NEON_URL if has_database else ""),
        ),
        # it belongs to predeploy, so its end is no verdict
        verdicts=(),
        parser="traceback",
    )


def facts_of(component: Component, context: CatalogueContext) -> str:
    """Returns the description of a Worker for the programs that build and run it, as JSON."""
    site = component.site if component.worker is None else None
    pages = {"pages": {"output": output_of(component, context), "routes": f"{OUT}/routes.json"}} if site else {}
    bound = [
        {
            **worker_facts(other, context),
            "name": name,
            "bundle": bundle_of(name),
            "values": worker_texts(other, context),
        }
        for name, other in bound_workers(component, context).items()
    ]
    return json.dumps({**worker_facts(component, context), **pages, "bound": bound}, sort_keys=True)


def worker_facts(component: Component, context: CatalogueContext) -> dict[str, object]:
    """Returns what the deploy knows of one Worker."""
    worker = worker_of(component)
    names = sorted({*worker_texts(component, context), *context.secrets(component)})
    return {
        "name": worker.name or component.name,
        "config": f"{WORK}/{worker.config}" if worker.config else "",
        "directory": f"{WORK}/{directory_of(component)}",
        "named": worker.deploy.config,
        "environment": worker.environment,
        "sections": BINDINGS,
        "main": worker.main,
        "date": worker.date,
        "flags": worker.flags,
        "vars": {name: value for name, value in worker.vars.items() if name not in names},
        "texts": names,
        "bindings": worker.bindings,
        "rules": worker.rules,
        "crons": worker.crons,
    }


def serving(component: Component, context: CatalogueContext) -> Command:
    """Returns the server that runs the deploy's bundle, in the runtime that wrangler installs."""
    texts = worker_texts(component, context)
    host, port = address_of(WORKER)
    places = ("--host", host, "--port", port, "--outbound", ":".join(address_of(OUTBOUND)))
    return Command(
        argv=("node", f"{PROBES}/workerd/serve_worker.mjs", "--bundle", f"{OUT}/bundle", *places, "--nonce", NONCE),
        label=WORKER,
        cwd=component.path,
        environment="node",
        env=(
            ("PREDEPLOY_WORKER", facts_of(component, context)),
            *((("PREDEPLOY_HYPERDRIVE", DB_URL),) if has_hyperdrive(component) else ()),
            *texts.items(),
        ),
        secrets=secrets_of(component, context),
        unfit=((126, "runtime"),),
        parser="worker",
    )


def secrets_of(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the names of the secrets of a Worker, and of the Workers that are started with it."""
    others = (component, *bound_workers(component, context).values())
    return tuple(sorted({name for each in others for name in context.secrets(each)}))


def services(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns both services for a command that sends requests to the Worker."""
    return (outbound(component, context), serving(component, context))
