"""Finds the Workers of the stack to which a Worker is bound, and makes the commands that bundle them with it."""

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from tasks.catalogue.preparation import prepared
from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bundling import bundle_command, deploy_steps, directory_of, step_command, worker_of
from tasks.catalogue.worker.deploy_rules import entrypoints_command
from tasks.discovery.file_view import is_within
from tasks.discovery.worker.references import names_of, references
from tasks.stack import Component
from tasks.steps import OUT, Command


def bound_workers(component: Component, context: CatalogueContext) -> dict[str, Component]:
    """Returns the Workers that are started with a component, by the names that bindings use, also across Workers."""
    found: dict[str, Component] = {}
    waiting = [component]
    while waiting:
        for each in references(worker_of(waiting.pop())):
            other = _named(each.service, context)
            if other is not None and _is_startable(other, component) and each.service not in found:
                found[each.service] = other
                waiting.append(other)
    return found


def bound_components(component: Component, context: CatalogueContext) -> tuple[Component, ...]:
    """Returns the components of these Workers, and those whose files the deploy of a Worker builds.

    A component without code of Cloudflare's has none.
    """
    has_code = component.worker is not None or (component.site is not None and component.site.pages is not None)
    if not has_code:
        return ()
    found = {each.path: each for each in (*bound_workers(component, context).values(), *_built(component, context))}
    return tuple(found.values())


def _built(component: Component, context: CatalogueContext) -> Iterator[Component]:
    """Yields the other components in which a step of the deploy runs, or in which the assets are."""
    worker = worker_of(component)
    assets = [posixpath.normpath(posixpath.join(component.path, worker.assets))] if worker.assets else []
    places = [*assets, *(step.directory for step in worker.deploy.steps)]
    for other in context.stack.components:
        # a component around this one is no part of its deploy
        if not is_within(component.path, other.path) and any(is_within(place, other.path) for place in places):
            yield other


def _named(name: str, context: CatalogueContext) -> Component | None:
    """Returns the Worker of the stack with a name, which may end with the name of an environment."""
    for component in context.stack.components:
        worker = component.worker
        if worker is not None and name in names_of(worker):
            return component
    return None


def _is_startable(other: Component, component: Component) -> bool:
    """Whether the packages that are installed for a component are also those of another one, which has code."""
    mine, theirs = component.node, other.node
    if mine is None or theirs is None or other.path == component.path:
        return False
    return bool(worker_of(other).main) and theirs.root in {mine.root, *(each.root for each in mine.siblings)}


def absent_workers(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the bindings of a component to Workers that are not started with it."""
    there = bound_workers(component, context)
    return tuple(
        f"{each.binding} (Worker {each.service})"
        for each in references(worker_of(component))
        if each.service not in there
    )


def bundle_of(name: str) -> str:
    """Returns the folder with the bundle of a bound Worker."""
    return f"{OUT}/bound/{name}"


def bound_commands(component: Component, context: CatalogueContext) -> Iterator[Command]:
    """Yields the commands that bundle the bound Workers. A failure is no verdict on the component: theirs has it."""
    for name, other in bound_workers(component, context).items():
        steps = (step_command(step, other, context) for step in deploy_steps(other, context))
        bundle = bundle_command(other, context, bundle_of(name))
        for command in (*prepared(other, context, "build"), *steps, bundle):
            codes = tuple((code, "bound_worker") for code, _ in command.verdicts)
            yield replace(command, label=f"{command.label} ({name})", verdicts=(), unfit=codes, evidence="")
    worker, there = worker_of(component), bound_workers(component, context)
    asked = {each.service for each in references(worker) if each.entrypoint and each.service in there}
    if asked:
        yield entrypoints_command(worker, directory_of(component), {name: bundle_of(name) for name in sorted(asked)})
