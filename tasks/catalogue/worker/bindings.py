"""Names the bindings of a Worker that exist only at Cloudflare, which no runtime on this machine has."""

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bound import absent_workers, bound_workers
from tasks.catalogue.worker.bundling import worker_of
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

    They are those of the component, and of the Workers that are started with it.
    """
    workers = (component, *bound_workers(component, context).values())
    found = [
        f"{name} ({REMOTE[key]})"
        for bindings in (worker_of(each).bindings for each in workers)
        for key in REMOTE
        if key in bindings
        for name in bound_names(bindings[key])
    ]
    others = (name for each in workers for name in absent_workers(each, context))
    return tuple(dict.fromkeys((*found, *others)))


def remote_options(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the options with which a probe gives no verdict on an error that such a binding may cause."""
    return tuple(word for name in remote_names(component, context) for word in ("--remote", name))


def remote_gaps(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns what a check of the running Worker does not cover."""
    names = ", ".join(remote_names(component, context))
    return (f"{component.label} has bindings that exist only at Cloudflare: {names}",) if names else ()
