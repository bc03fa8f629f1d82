"""Workers of a stack that are bound to each other."""

from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.worker.bindings import remote_names
from tasks.catalogue.worker.bound import bound_workers
from tasks.stack import Component
from tests.support.factories import make_node_project, make_scene, make_stack, make_worker


def worker(name: str, *services: dict[str, str], root: str = ".", **over: Any) -> Component:
    """A Worker of one workspace, unless it has a root of its own."""
    path = f"workers/{name}"
    node = make_node_project(path, root=root, dependencies={"wrangler": "4"})
    return make_worker(path, node, name=name, bindings={"services": list(services)} if services else {}, **over)


def to(service: str, **more: str) -> dict[str, str]:
    return {"binding": service.upper(), "service": service, **more}


SHOP = worker("shop", to("till", entrypoint="Till"), to("gone"))
TILL = worker("till", to("bank"))
BANK = worker("bank", to("shop"))


def test_workers_of_a_stack_are_found_across_bindings() -> None:
    context = make_scene(make_stack(SHOP, TILL, BANK))

    assert bound_workers(SHOP, context) == {"till": TILL, "bank": BANK}
    assert bound_workers(BANK, context) == {"shop": SHOP, "till": TILL}


@pytest.mark.parametrize(
    ("other", "names"),
    [
        (worker("till", environment="live", environments=("live", "test")), ("till", "till-live", "till-test")),
        (worker("till-live", environment="live", environments=("live",)), ("till", "till-live")),
    ],
)
def test_a_worker_has_the_names_of_its_environments(other: Component, names: tuple[str, ...]) -> None:
    for name in names:
        shop = worker("shop", to(name))
        assert bound_workers(shop, make_scene(make_stack(shop, other))) == {name: other}


@pytest.mark.parametrize("other", [worker("other"), worker("till", root="workers/till"), worker("till", main="")])
def test_a_worker_that_is_not_started_is_a_gap(other: Component) -> None:
    """It is not in the stack, has packages of its own, or no code."""
    shop = worker("shop", to("till"))
    context = make_scene(make_stack(shop, other))

    assert bound_workers(shop, context) == {}
    assert remote_names(shop, context) == ("TILL (Worker till)",)


def test_classes_of_another_worker_are_bound_to_it() -> None:
    objects = {"durable_objects": {"bindings": [{"name": "ROOM", "class_name": "Room", "script_name": "till"}]}}
    shop = worker("chat", main="src/index.ts")
    shop = make_worker("workers/chat", shop.node, name="chat", bindings=objects)

    assert bound_workers(shop, make_scene(make_stack(shop, TILL))) == {"till": TILL}


def test_bound_workers_are_bundled_without_a_verdict_on_them() -> None:
    context = make_scene(
        make_stack(SHOP, TILL, BANK), {path: "" for each in (SHOP, TILL, BANK) for path in (each.path,)}
    )
    check = next(each for each in make_catalogue(context).checks if each.id == "worker_container[workers/shop]")

    bundles = [command for command in check.commands if command.label.startswith("wrangler deploy --dry-run (")]
    assert [command.cwd for command in bundles] == ["workers/till", "workers/bank"]
    assert all(command.verdicts == () for command in bundles)
    assert check.commands[-1].label == "entrypoints of other Workers"
    assert "--bound" in check.commands[-1].argv
    assert {"workers/till", "workers/bank"}.isdisjoint(check.inputs.exclude)
