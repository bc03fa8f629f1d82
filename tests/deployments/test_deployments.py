"""The deployments of `prefect.yaml`, created on a fresh server and run by a real worker."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.deployments.operation import BREAKS, FAILS, HANGS, POLICY, TOKEN, Operation, worker
from tests.flows.harness import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real]
NAMES = ("nightly", "on-push", "on-demand")
SECRET = "sk_live_canary_0123"


@pytest.fixture(scope="module")
def operated(operation: Operation) -> Iterator[Operation]:
    """The operation with a worker that has a secret in its environment."""
    with worker(operation, STRIPE_KEY=SECRET):
        yield operation


def logs(operation: Operation) -> str:
    return (operation.home / "worker.log").read_text()


def test_every_parameter_has_a_description(operation: Operation) -> None:
    for name in NAMES:
        schema = operation.deployment(name)["parameter_openapi_schema"]
        properties = schema["properties"]
        assert {"repository", "ref", "environment", "gate", "trusted"} <= properties.keys()
        assert all(each.get("description") for each in properties.values()), properties
        assert schema["required"] == ["repository"]


def test_nightly_is_a_gate_one_at_a_time(operation: Operation) -> None:
    nightly = operation.deployment("nightly")

    assert (nightly["parameters"]["gate"], nightly["parameters"]["engine"]) == (True, "dagger")
    assert nightly["global_concurrency_limit"]["limit"] == 1
    assert nightly["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert [operation.deployment(name)["schedules"] for name in NAMES[1:]] == [[], []]


def test_nightly_runs_once_a_day_at_its_local_hour_across_clock_changes(operation: Operation) -> None:
    nightly = operation.deployment("nightly")
    zone = ZoneInfo(nightly["schedules"][0]["schedule"]["timezone"])

    def planned() -> list[datetime]:
        found: list[datetime] = []
        while True:
            page = operation.ask(
                "POST",
                "/flow_runs/filter",
                flow_runs={"deployment_id": {"any_": [nightly["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}},
                sort="EXPECTED_START_TIME_ASC",
                limit=200,
                offset=len(found),
            )
            found += [datetime.fromisoformat(run["expected_start_time"]) for run in page]
            if not page:
                return found

    wait_until(lambda: len(planned()) >= 215, limit=120)
    times = [moment.astimezone(zone) for moment in planned()]

    assert {(moment.hour, moment.minute) for moment in times} == {(4, 15)}
    assert all(later.date() - earlier.date() == timedelta(days=1) for earlier, later in pairwise(times))
    # the times include a clock change: the hour in UTC differs before and after it
    assert len({moment.astimezone(UTC).hour for moment in times}) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_runs_each_deployment(operated: Operation, name: str) -> None:
    repository = f"acme/{name}"
    commit = operated.remotes.commit(repository)
    given = {"repository": operated.repository(repository), "ref": "main", "directory": ".", "engine": "local"}

    run = operated.wait(operated.start(name, **given))

    assert (run["state_type"], run["name"]) == ("COMPLETED", f"{name} main"), logs(operated)
    assert operated.checks(run["id"]) == {"quality/words": "Completed", "integration/later": "Completed"}
    assert f"commit:{commit}" in run["tags"]
    report = operated.artifacts(run["id"])
    assert "exit 0" in report["predeploy-report"]
    assert "words" in str(report["predeploy-checks"])
    operated.wait_for_states(repository, commit, "pending", "success")
    last = operated.github.statuses(repository, commit)[-1]
    assert last["context"] == ("predeploy/gate" if name == "nightly" else "predeploy")
    assert last["target_url"] == f"https://prefect.example/runs/flow-run/{run['id']}"
    assert last["description"].startswith("2 passed")


def test_nightly_validates_the_sample_by_default(operated: Operation) -> None:
    """The run ends with a usage error, because only its parameters are tested here."""
    run = operated.wait(operated.start("nightly", engine="local", gate=False, only=["no_such_check"]))

    assert run["parameters"]["directory"] == "examples/cafe"
    assert (run["state_type"], run["state_name"]) == ("CRASHED", "NoVerdict")
    assert "exit 2: " in run["state"]["message"]
    assert "no_such_check" in run["state"]["message"]


@pytest.mark.parametrize(
    ("check", "state", "status", "says"),
    [
        (FAILS, "FAILED", "failure", "1 failed, 1 skipped"),
        (BREAKS, "CRASHED", "error", "1 errored, 1 skipped"),
    ],
)
def test_a_failed_run_sets_state_and_status(
    operated: Operation, check: str, state: str, status: str, says: str
) -> None:
    commit = operated.remotes.commit("acme/red", check=check)

    run = operated.wait(
        operated.start("on-demand", repository=operated.repository("acme/red"), directory=".", ref=commit)
    )

    assert run["state_type"] == state, logs(operated)
    operated.wait_for_states("acme/red", commit, "pending", status)
    assert operated.github.statuses("acme/red", commit)[-1]["description"].startswith(says)
    assert operated.checks(run["id"])["quality/words"] == ("Failed" if state == "FAILED" else "NoVerdict")


def test_a_missing_ref_is_no_verdict(operated: Operation) -> None:
    operated.remotes.commit("acme/cafe")

    run = operated.wait(
        operated.start("on-demand", repository=operated.repository("acme/cafe"), directory=".", ref="gone")
    )

    assert (run["state_name"], run["state_type"]) == ("NoVerdict", "CRASHED")
    assert "has no branch or tag gone" in run["state"]["message"]


def running(operation: Operation, repository: str) -> tuple[str, str]:
    """Starts a run, and waits until its check hangs. Returns the run's id and its commit."""
    commit = operation.remotes.commit(repository, check=HANGS)
    run = operation.start("on-demand", repository=operation.repository(repository), directory=".", ref=commit)
    operation.wait_for_states(repository, commit, "pending")
    wait_until(lambda: bool(processes("sleep 300")), limit=60)
    return run, commit


def processes(what: str, where: str = "cmdline") -> list[int]:
    """Returns the ids of processes whose command line (or another file in /proc) has this text."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                said = (place / where).read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if what in said:
                found.append(int(place.name))
    return sorted(found)


def process_of(run: str) -> int:
    """Returns the id of the process that a worker started for a run. Its children have another environment."""
    return processes(f"PREFECT__FLOW_RUN_ID={run}", "environ")[0]


def test_a_cancelled_run_sets_the_status(operated: Operation) -> None:
    run, commit = running(operated, "acme/cancelled")

    operated.cancel(run)

    assert operated.wait(run)["state_type"] == "CANCELLED"
    operated.wait_for_states("acme/cancelled", commit, "pending", "error")
    assert operated.github.statuses("acme/cancelled", commit)[-1]["description"] == "enough"


def test_a_run_whose_process_is_killed_sets_the_status(operated: Operation) -> None:
    run, commit = running(operated, "acme/killed")
    pid = process_of(run)

    os.kill(pid, signal.SIGKILL)

    assert operated.wait(run)["state_type"] == "CRASHED"
    operated.wait_for_states("acme/killed", commit, "pending", "error")


def test_secrets_reach_only_checks_that_declare_them(operated: Operation) -> None:
    policy = f'{POLICY}secrets = ["STRIPE_KEY"]\n'.replace('run = "true"', 'run = "sh check.sh"')
    script = 'echo "words: ${STRIPE_KEY:-none} ${PREDEPLOY_GITHUB_TOKEN:-none} ${PREFECT_API_URL:-none}" >&2; exit 1'
    commit = operated.remotes.commit("acme/secrets", check=script, policy=policy)

    run = operated.wait(
        operated.start("on-demand", repository=operated.repository("acme/secrets"), directory=".", ref=commit)
    )

    output = str(operated.artifacts(run["id"])) + operated.said(run["id"]) + str(run) + logs(operated)
    assert run["state_type"] == "FAILED"
    assert SECRET not in output
    assert TOKEN not in output


@pytest.mark.network
def test_on_demand_validates_the_sample_by_default(operated: Operation) -> None:
    run = operated.wait(operated.start("on-demand", engine="local", only=["ruff_check"]), limit=300)

    assert (run["state_type"], operated.checks(run["id"])) == ("COMPLETED", {"quality/ruff_check": "Completed"}), run
    assert run["parameters"]["directory"] == "examples/cafe"
