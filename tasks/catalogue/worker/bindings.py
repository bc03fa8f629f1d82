"""Names the bindings of a Worker that exist only at Cloudflare, which no runtime on this machine has."""

import posixpath
from collections.abc import Iterator

from tasks.catalogue.paths import below
from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bound import absent_workers, bound_workers
from tasks.catalogue.worker.bundling import worker_of
from tasks.catalogue.worker.service import has_hyperdrive, migrating
from tasks.discovery.documents import string, tables
from tasks.discovery.worker.worker_env import bound_names
from tasks.stack import Component

REMOTE = {
    "ai": "Workers AI",
    "browser": "Browser Rendering",
    "dispatch_namespaces": "dispatch namespace",
    "hyperdrive": "Hyperdrive",
    "mtls_certificates": "mTLS certificate",
    "vectorize": "Vectorize",
}
"""The sections of a wrangler file without a local runtime, and the names of their products."""


def remote_names(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the bindings that exist only at Cloudflare, each with its product or its Worker.

    They are those of the component, and of the Workers that are started with it. Hyperdrive of the component is none if
    it reaches the run's Postgres.
    """
    workers = (component, *bound_workers(component, context).values())
    found = [
        f"{name} ({REMOTE[key]})"
        for each in workers
        for key in REMOTE
        if key in worker_of(each).bindings and not (key == "hyperdrive" and each == component and has_hyperdrive(each))
        for name in bound_names(worker_of(each).bindings[key])
    ]
    containers = (f"{name} (Containers)" for each in workers for name in worker_of(each).containers)
    others = (name for each in workers for name in absent_workers(each, context))
    return tuple(dict.fromkeys((*found, *containers, *others)))


def doubted_names(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the databases that have no tables here, because no migration of the stack makes them."""
    bindings = worker_of(component).bindings
    is_empty = has_hyperdrive(component) and migrating(component, context) is None
    hyperdrives = bound_names(bindings.get("hyperdrive")) if is_empty else ()
    return (
        *(f"{name} (Hyperdrive, with an empty database here)" for name in hyperdrives),
        *(f"{name} (D1, without migrations in this tree)" for name in _unmigrated(component, context)),
    )


def _unmigrated(component: Component, context: CatalogueContext) -> Iterator[str]:
    """Yields the D1 databases for which the tree has no migration."""
    worker = worker_of(component)
    for database in tables(worker.bindings, "d1_databases"):
        folder = posixpath.join(posixpath.dirname(worker.config), string(database, "migrations_dir") or "migrations")
        if not any(path.endswith(".sql") for path in below(posixpath.normpath(folder), context.paths)):
            yield string(database, "binding")


def remote_options(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the options with which a probe gives no verdict on an error that such a binding may cause."""
    names = (*remote_names(component, context), *doubted_names(component, context))
    return tuple(word for name in names for word in ("--remote", name))


def remote_gaps(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns what a check of the running Worker does not cover."""
    names = ", ".join(remote_names(component, context))
    return (f"{component.label} has bindings that exist only at Cloudflare: {names}",) if names else ()
