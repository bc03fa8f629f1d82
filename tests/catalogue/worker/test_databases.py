"""The databases of a Worker's bindings: Hyperdrive and D1, and what an error of theirs can prove."""

import pytest

from tasks.catalogue.worker.bindings import doubted_names, remote_names
from tasks.catalogue.worker.bundling import bundle_command
from tasks.catalogue.worker.database import database
from tasks.catalogue.worker.service import serving
from tasks.stack import Component
from tasks.steps import DB_URL
from tests.support.factories import make_node_project, make_scene, make_stack, make_web, make_worker

HYPERDRIVE: dict[str, object] = {"hyperdrive": [{"binding": "POOL", "id": "0" * 31 + "1"}]}
D1: dict[str, object] = {"d1_databases": [{"binding": "DB", "database_name": "menu"}]}


def worker(bindings: dict[str, object], *packages: str) -> Component:
    path = "workers/intake"
    return make_worker(path, make_node_project(path, dependencies=dict.fromkeys(packages, "1")), bindings=bindings)


def test_hyperdrive_reaches_the_run_s_postgres() -> None:
    shop = worker(HYPERDRIVE, "pg")
    context = make_scene(make_stack(shop, make_web()))

    assert (database(shop, context), remote_names(shop, context), doubted_names(shop, context)) == ("migrated", (), ())
    assert ("PREDEPLOY_HYPERDRIVE", DB_URL) in serving(shop, context).env


def test_containers_are_a_gap_and_need_no_docker_for_the_dry_run() -> None:
    shop = make_worker(containers=("Box",))
    context = make_scene(make_stack(shop))

    assert remote_names(shop, context) == ("Box (Containers)",)
    assert "--containers-rollout=none" in bundle_command(shop, context).argv


def test_an_error_with_an_empty_postgres_is_no_verdict() -> None:
    shop = worker(HYPERDRIVE, "pg")
    context = make_scene(make_stack(shop))

    assert (database(shop, context), remote_names(shop, context)) == ("empty", ())
    assert doubted_names(shop, context) == ("POOL (Hyperdrive, with an empty database here)",)


def test_hyperdrive_with_a_driver_of_mysql_is_a_gap() -> None:
    shop = worker(HYPERDRIVE, "mysql2")
    context = make_scene(make_stack(shop, make_web()))

    assert (database(shop, context), remote_names(shop, context)) == ("", ("POOL (Hyperdrive)",))


@pytest.mark.parametrize(("path", "count"), [("workers/intake/migrations/0001.sql", 0), ("workers/other/0001.sql", 1)])
def test_an_error_with_a_d1_database_without_migrations_is_no_verdict(path: str, count: int) -> None:
    shop = worker(D1)

    assert len(doubted_names(shop, make_scene(make_stack(shop), {path: ""}))) == count
