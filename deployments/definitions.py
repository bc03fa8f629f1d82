"""Derives the deployments from `prefect.yaml`, and their variants for another stack or work pool. Pure."""

from collections.abc import Mapping
from typing import Any

from tasks.errors import UsageError

Document = Mapping[str, Any]
"""A parsed YAML file. It has the form of Prefect's `prefect.yaml` unless a function documents another form."""


def with_stack(document: Document, stack: Mapping[str, str]) -> Document:
    """Returns the document with `stack` merged into the parameters of each deployment that has the key `directory`."""
    deployments = [
        {**each, "parameters": {**each["parameters"], **stack}} if "directory" in each.get("parameters", {}) else each
        for each in document["deployments"]
    ]
    return {**document, "deployments": deployments}


def on_other_pool(document: Document, difference: Document) -> Document:
    """Returns the deployments of the pool in `moves`, moved to the pool in `work_pool`.

    `difference` has the form of `deployments/docker.yaml`.
    """
    moved = [
        {**each, "work_pool": difference["work_pool"]}
        for each in document["deployments"]
        if each["work_pool"]["name"] == difference["moves"]
    ]
    return with_stack({**document, **difference["sections"], "deployments": moved}, difference["stack"])


def names_of(document: Document) -> list[str]:
    """Returns the names of all deployments with their flows: `validate/nightly`."""
    return [f"{each['entrypoint'].rpartition(':')[2]}/{each['name']}" for each in document["deployments"]]


def pools_of(document: Document) -> list[str]:
    """Returns the unique names of all work pools."""
    return list(dict.fromkeys(each["work_pool"]["name"] for each in document["deployments"]))


def read_variables(difference: Document, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the values of a difference's variables. Raises UsageError for a variable without value and default."""
    found = {name: environ.get(name) or default for name, default in difference["variables"].items()}
    if missing := [name for name, value in found.items() if value is None]:
        raise UsageError(f"{missing[0]}: set it to the URL of the repository that nightly runs validate")
    return found
