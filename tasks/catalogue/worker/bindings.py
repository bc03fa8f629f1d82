"""Names the bindings of a Worker that exist only at Cloudflare, which no runtime on this machine has."""

from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.build import worker_of
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


def remote_names(component: Component) -> tuple[str, ...]:
    """Returns the bindings that exist only at Cloudflare, each with its product."""
    bindings = worker_of(component).bindings
    return tuple(f"{name} ({REMOTE[key]})" for key in REMOTE if key in bindings for name in bound_names(bindings[key]))


def remote_options(component: Component) -> tuple[str, ...]:
    """Returns the options with which a probe gives no verdict on an error that such a binding may cause."""
    return tuple(word for name in remote_names(component) for word in ("--remote", name))


def remote_gaps(component: Component, _: CatalogueContext) -> tuple[str, ...]:
    """Returns what a check of the running Worker does not cover."""
    names = ", ".join(remote_names(component))
    return (f"{component.label} has bindings that exist only at Cloudflare: {names}",) if names else ()
