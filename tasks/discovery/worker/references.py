"""Reads the bindings of a Worker to other Workers of the stack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.discovery.documents import string, tables
from tasks.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A binding to another Worker: the names of the binding and of the Worker, and maybe the entrypoint there."""

    binding: str
    service: str
    entrypoint: str = ""


def references(worker: Worker) -> tuple[Reference, ...]:
    """Returns the bindings of a Worker to other Workers: to their requests, and to their Durable Objects."""
    services = (
        Reference(
            binding=string(each, "binding"), service=string(each, "service"), entrypoint=string(each, "entrypoint")
        )
        for each in tables(worker.bindings, "services")
    )
    objects = (
        Reference(binding=string(each, "name"), service=string(each, "script_name"))
        for each in tables(worker.bindings, "durable_objects", "bindings")
    )
    return tuple(each for each in (*services, *objects) if each.service not in {"", worker.name})


def names_of(worker: Worker) -> set[str]:
    """Returns the names that bindings use for a Worker. They may end with the name of an environment."""
    base = worker.name.removesuffix(f"-{worker.environment}") if worker.environment else worker.name
    return {worker.name, base, *(f"{base}-{each}" for each in worker.environments)}


def bound_directories(directory: str, workers: Mapping[str, Worker]) -> Iterator[str]:
    """Yields the directories of the Workers that are bound to the one in a directory, also across Workers."""
    found, waiting = {directory}, [directory]
    while waiting:
        asked = {each.service for each in references(workers[waiting.pop()])}
        for other, worker in workers.items():
            if other not in found and asked & names_of(worker):
                found.add(other)
                waiting.append(other)
                yield other
