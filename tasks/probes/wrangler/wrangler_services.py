"""Bindings to entrypoints of other Workers, which these export or not. Standard library only.

Source: Cloudflare's docs, "Service bindings", "Named entrypoints" (read 2026-11-30). The runtime does not start a
Worker that is bound to an entrypoint which the other one does not export.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wrangler_bundle import read_bundle
from wrangler_findings import Refusal, Target, text


def entrypoint_refusals(target: Target, bundles: Mapping[str, Path]) -> Iterator[Refusal]:
    """Yields bindings to entrypoints that are no export of the bundle of the other Worker."""
    for binding, path in target.tables("services"):
        service, entrypoint = text(binding.get("service")), text(binding.get("entrypoint"))
        folder = bundles.get(service)
        bundle = read_bundle(folder, "") if entrypoint not in {"", "default"} and folder else None
        if bundle is None or bundle.exports is None or entrypoint in bundle.exports:
            continue
        shown = ", ".join(sorted(bundle.exports - {"default"})) or "none"
        message = (
            f"{text(binding.get('binding'))} is bound to the entrypoint {entrypoint} of the Worker {service}, which "
            f"exports no such class. Its named exports: {shown}"
        )
        yield Refusal(rule="no_entrypoint", message=message, path=(*path, "entrypoint"), value=entrypoint)
