"""The deployments as data: `prefect.yaml`, and how they differ on another work pool. Pure."""

from collections.abc import Mapping
from typing import Any

from tasks.errors import UsageError

Document = Mapping[str, Any]
"""A YAML file as data, in the form of Prefect's `prefect.yaml` unless a function says another one."""


def with_stack(document: Document, stack: Mapping[str, str]) -> Document:
    """Names another stack in each deployment whose parameters name one."""
    deployments = [
        {**each, "parameters": {**each["parameters"], **stack}} if "repository" in each.get("parameters", {}) else each
        for each in document["deployments"]
    ]
    return {**document, "deployments": deployments}


def on_other_pool(document: Document, difference: Document) -> Document:
    """The deployments that move, on the other pool. `difference` has the form of `deployments/docker.yaml`."""
    moved = [
        {**each, "work_pool": difference["work_pool"]}
        for each in document["deployments"]
        if each["work_pool"]["name"] == difference["moves"]
    ]
    return with_stack({**document, **difference["sections"], "deployments": moved}, difference["stack"])


def pools_of(document: Document) -> list[str]:
    """The names of all work pools, each once."""
    return list(dict.fromkeys(each["work_pool"]["name"] for each in document["deployments"]))


def read_variables(difference: Document, environ: Mapping[str, str]) -> dict[str, str]:
    """All variables of a difference. Raises UsageError for one that has neither a value nor a default."""
    found = {name: environ.get(name) or default for name, default in difference["variables"].items()}
    if missing := [name for name, value in found.items() if value is None]:
        raise UsageError(f"{missing[0]}: set it to the URL of the repository that is validated each night")
    return found
