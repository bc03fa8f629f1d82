"""The deployment `maintain`: a real worker prunes caches, reports and predeploy's runs in Prefect's history."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.operation import HANGS, Operation, worker
from tests.flows.harness import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real]
LONG_AGO = "2020-01-01 00:00:00.000000"


@pytest.fixture(scope="module")
def operated(operation: Operation) -> Iterator[Operation]:
    with worker(operation):
        yield operation


def deployed(operation: Operation) -> dict[str, Any]:
    return dict(operation.ask("GET", "/deployments/name/maintain/maintain"))


def maintain(operation: Operation, **parameters: float) -> dict[str, Any]:
    """Starts a run and waits for its end. Returns the run."""
    path = f"/deployments/{deployed(operation)['id']}/create_flow_run"
    created = operation.ask("POST", path, parameters=parameters, state={"type": "SCHEDULED"})
    return operation.wait(created["id"])


def recorded(operation: Operation, flow: str, state: str, *tags: str, parent: str | None = None) -> str:
    """Records a run in Prefect with a start time long ago. Returns its id."""
    flow_id = operation.ask("POST", "/flows/", name=flow)["id"]
    body = {"flow_id": flow_id, "tags": list(tags), "state": {"type": state}}
    if parent:
        task = {"flow_run_id": parent, "task_key": flow, "dynamic_key": flow}
        body["parent_task_run_id"] = operation.ask("POST", "/task_runs/", **task)["id"]
    run = str(operation.ask("POST", "/flow_runs/", **body)["id"])
    with closing(sqlite3.connect(operation.home / "prefect/prefect.db", timeout=60)) as connection, connection:
        changed = connection.execute("update flow_run set expected_start_time = ? where id = ?", (LONG_AGO, run))
        assert changed.rowcount == 1
    return run


def is_there(operation: Operation, run: str) -> bool:
    return operation.client.get(f"{operation.url}/flow_runs/{run}").status_code == 200


def test_it_is_scheduled_weekly_one_run_at_a_time(operation: Operation) -> None:
    deployment = deployed(operation)
    (schedule,) = deployment["schedules"]

    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("30 6 * * 0", "Europe/Berlin")
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployment["parameters"] == {"days": 30, "gigabytes": 20, "history_days": 90}
    properties = deployment["parameter_openapi_schema"]["properties"]
    assert properties.keys() == deployment["parameters"].keys()
    assert all(each["description"] and each["type"] == "number" for each in properties.values())


def test_only_old_ended_runs_of_predeploy_are_deleted(operated: Operation) -> None:
    red = recorded(operated, "predeploy", "FAILED")
    stage = recorded(operated, "quality", "FAILED", parent=red)
    pushed = recorded(operated, "validate", "CRASHED", "predeploy", "on-push")
    theirs = [recorded(operated, name, "COMPLETED", "nightly") for name in ("validate", "build", "maintain")]
    waiting = recorded(operated, "validate", "SCHEDULED", "predeploy")
    fresh = operated.wait(operated.start("on-demand", repository="nowhere", directory="."))["id"]

    run = maintain(operated)

    assert run["state_type"] == "COMPLETED", run
    assert "history: 2 gone" in run["state"]["message"]
    assert [is_there(operated, each) for each in (red, stage, pushed)] == [False] * 3
    assert [is_there(operated, each) for each in (*theirs, waiting, fresh)] == [True] * 5
    table = operated.artifacts(run["id"])["maintain-disk"]
    assert all(each in table for each in ("cache", "reports", "history")), table


def test_files_of_active_runs_are_not_deleted(operated: Operation) -> None:
    commit = operated.remotes.commit("acme/held", check=HANGS)
    held = operated.start("on-demand", repository=operated.repository("acme/held"), directory=".", ref=commit)
    operated.wait_for_states("acme/held", commit, "pending")
    validations = operated.home / ".local/share/predeploy/validations"
    old = validations / "20200101T000000Z-000000"
    (old / "logs").mkdir(parents=True)
    os.utime(old, (time.time() - 400 * 86400,) * 2)
    wait_until(lambda: has_workspace(operated.home), limit=60)

    run = maintain(operated, days=0, gigabytes=0, history_days=0)

    assert run["state_type"] == "COMPLETED", run
    assert not old.exists()
    assert "held by runs" in run["state"]["message"], run["state"]["message"]
    assert operated.run(held)["state_type"] == "RUNNING"
    operated.cancel(held)
    assert operated.wait(held)["state_type"] == "CANCELLED"


def has_workspace(home: Path) -> bool:
    return any((home / ".cache/predeploy/stacks").glob("*/*/check.sh"))
