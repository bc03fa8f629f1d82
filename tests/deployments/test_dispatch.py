"""From a delivery to its run, on a real Prefect: no run is lost or repeated, and only the newest of a ref runs."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.events import encoded, fork, pull_request, push, repository, side
from tests.deployments.operation import HANGS, Operation, worker
from tests.deployments.service import NOWHERE, Service, serving
from tests.flows.harness import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real]
OPEN = {"SCHEDULED", "PENDING", "RUNNING", "CANCELLING"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def started(operation: Operation, data: Path, **over: str) -> AbstractContextManager[Service]:
    """Runs a service that reaches Prefect and the repositories."""
    reaching = {
        name: value for name, value in operation.environment().items() if name.startswith(("PREFECT_API", "PREDEPLOY"))
    }
    return serving(data, operation.home, **{**reaching, "PREFECT_UI_URL": "https://prefect.example", **over})


def pushed(operation: Operation, name: str, ref: str = "refs/heads/main", **how: Any) -> dict[str, Any]:
    """Pushes a commit. Returns the push event for it."""
    commit = operation.remotes.commit(name, ref, **how)
    return push(ref, commit, head_commit={"id": commit}, repository=repository(name))


def settled(service: Service) -> bool:
    """Whether no delivery waits."""
    return all(row["state"] != "waiting" for row in service.rows())


def open_runs(operation: Operation, name: str) -> list[dict[str, Any]]:
    return [run for run in operation.runs("webhook", f"repository:{name}") if run["state_type"] in OPEN]


def test_a_delivery_becomes_a_run(operation: Operation, data: Path) -> None:
    with started(operation, data) as service:
        event = pushed(operation, "acme/one")
        answer = service.deliver(event)
        wait_until(lambda: settled(service), limit=60)
        shown = service.get(answer.json()["link"].removeprefix(service.url)).json()

    (run,) = operation.runs("webhook", "repository:acme/one")
    assert answer.status_code == 202
    assert shown["state"] == "started"
    assert shown["run"] == f"https://prefect.example/runs/flow-run/{run['id']}"
    assert run["parameters"] == {"repository": operation.repository("acme/one"), "ref": event["after"]}
    assert {f"commit:{event['after']}", "ref:refs/heads/main", "on-push"} <= set(run["tags"])


def test_a_fork_becomes_a_run_without_trust(operation: Operation, data: Path) -> None:
    base = operation.remotes.commit("acme/forked")
    head = operation.remotes.commit("acme/forked", "refs/pull/7/head")
    sides = {"head": fork() | {"sha": head}, "base": side("main", base, repository("acme/forked"))}
    event = pull_request(repository=repository("acme/forked"))
    event["pull_request"] |= sides
    with started(operation, data) as service:
        assert service.deliver(event, "pull_request").status_code == 202
        wait_until(lambda: settled(service), limit=60)

    (run,) = operation.runs("webhook", "repository:acme/forked")
    assert run["parameters"] == {
        "repository": operation.repository("acme/forked"),
        "ref": head,
        "trusted": False,
        "policy": base,
    }


def test_a_newer_push_supersedes_the_older(operation: Operation, data: Path) -> None:
    with started(operation, data) as service:
        older = pushed(operation, "acme/newer")
        service.deliver(older)
        wait_until(lambda: len(open_runs(operation, "acme/newer")) == 1, limit=60)
        newer = pushed(operation, "acme/newer")
        service.deliver(newer)
        wait_until(lambda: settled(service), limit=60)
        wait_until(lambda: len(open_runs(operation, "acme/newer")) == 1, limit=60)

    states = {run["parameters"]["ref"]: run["state_type"] for run in operation.runs("webhook", "repository:acme/newer")}
    assert states == {older["after"]: "CANCELLED", newer["after"]: "SCHEDULED"}


def test_a_late_delivery_of_an_older_push_supersedes_nothing(operation: Operation, data: Path) -> None:
    older, newer = pushed(operation, "acme/late"), pushed(operation, "acme/late")
    with started(operation, data) as service:
        service.deliver(newer)
        wait_until(lambda: settled(service), limit=60)
        service.deliver(older)
        wait_until(lambda: settled(service), limit=60)

    states = {run["parameters"]["ref"]: run["state_type"] for run in operation.runs("webhook", "repository:acme/late")}
    assert states == {newer["after"]: "SCHEDULED"}


@pytest.mark.parametrize("is_new", [True, False], ids=["new branch", "old branch"])
def test_a_push_is_validated_even_if_the_server_shows_it_late(operation: Operation, data: Path, is_new: bool) -> None:
    name = f"acme/lag-{'new' if is_new else 'old'}"
    bare = operation.remotes.place / f"{name}.git"
    with started(operation, data) as service:
        if not is_new:
            service.deliver(pushed(operation, name))
            wait_until(lambda: settled(service), limit=60)
        commit = operation.remotes.commit(name, "refs/heads/elsewhere")
        service.deliver(push("refs/heads/main", commit, head_commit={"id": commit}, repository=repository(name)))
        wait_until(lambda: service.get("/metrics").text.count("waiting 1.0") == 1, limit=10)
        operation.remotes.git(name, "push", "--quiet", "--force", str(bare), f"{commit}:refs/heads/main")
        wait_until(lambda: settled(service), limit=60)

    assert [run["parameters"]["ref"] for run in open_runs(operation, name)] == [commit]


def test_other_refs_and_repositories_are_not_superseded(operation: Operation, data: Path) -> None:
    with started(operation, data) as service:
        for name, ref in (("acme/a", "main"), ("acme/a", "feature"), ("acme/b", "main")):
            service.deliver(pushed(operation, name, f"refs/heads/{ref}"))
        wait_until(lambda: settled(service), limit=60)

    assert (len(open_runs(operation, "acme/a")), len(open_runs(operation, "acme/b"))) == (2, 1)


def test_a_deleted_branch_is_not_validated(operation: Operation, data: Path) -> None:
    event = pushed(operation, "acme/gone", "refs/heads/gone")
    operation.remotes.git(
        "acme/gone", "push", "--quiet", str(operation.remotes.place / "acme/gone.git"), ":refs/heads/gone"
    )
    with started(operation, data) as service:
        service.deliver(event)
        wait_until(lambda: settled(service), limit=60)
        (row,) = service.rows()

    assert (row["state"], row["reason"]) == ("superseded", "refs/heads/gone was deleted")
    assert operation.runs("webhook", "repository:acme/gone") == []


def test_two_deliveries_of_one_commit_share_a_run(operation: Operation, data: Path) -> None:
    event = pushed(operation, "acme/twice")
    with started(operation, data) as service:
        service.deliver(event)
        service.deliver(event | {"compare": "another body"})
        wait_until(lambda: settled(service), limit=60)
        runs = {row["run"] for row in service.rows()}

    assert len(operation.runs("webhook", "repository:acme/twice")) == len(runs) == 1


def test_a_service_that_is_killed_between_acceptance_and_start_loses_no_delivery(
    operation: Operation, data: Path
) -> None:
    events = [pushed(operation, "acme/kill", f"refs/heads/b{number}") for number in range(10)]
    with started(operation, data, PREFECT_API_URL=NOWHERE) as service:
        assert [service.deliver(event).status_code for event in events] == [202] * len(events)
        service.kill()
        assert {row["state"] for row in service.rows()} == {"waiting"}

    with started(operation, data) as service:
        assert {service.deliver(event).json()["answer"] for event in events} == {"repeated"}
        wait_until(lambda: settled(service), limit=120)

    started_for = [run["parameters"]["ref"] for run in operation.runs("webhook", "repository:acme/kill")]
    assert sorted(started_for) == sorted(event["after"] for event in events)


def test_a_service_that_is_killed_at_any_moment_starts_no_run_twice(operation: Operation, data: Path) -> None:
    events = [pushed(operation, "acme/often", f"refs/heads/b{number}") for number in range(12)]
    for number, event in enumerate(events):
        with started(operation, data) as service:
            assert service.deliver(event).status_code == 202
            # the delays range from before the dispatch to after it
            deadline = time.monotonic() + 0.04 * number
            wait_until(lambda until=deadline: time.monotonic() > until, limit=10)  # type: ignore[misc]
            service.kill()
    with started(operation, data) as service:
        wait_until(lambda: settled(service), limit=120)

    started_for = [run["parameters"]["ref"] for run in operation.runs("webhook", "repository:acme/often")]
    assert sorted(started_for) == sorted(event["after"] for event in events)


def test_deliveries_wait_while_prefect_is_unreachable(operation: Operation, data: Path) -> None:
    with started(operation, data, PREFECT_API_URL=NOWHERE) as service:
        service.deliver(pushed(operation, "acme/later"))
        wait_until(lambda: service.get("/healthz").json()["status"] == "late", limit=60)
        health = service.get("/healthz")

    assert (health.status_code, health.json()) == (200, {"status": "late", "deliveries": "accepted", "waiting": 1})


def test_a_storm_of_pushes_ends_in_one_run(operation: Operation, data: Path) -> None:
    """200 deliveries in ten seconds, of commits that were pushed before: the last one is the head."""
    events = [pushed(operation, "acme/storm") for _ in range(200)]
    head = events[-1]["after"]
    slowest = 0.0
    with started(operation, data) as service:
        begun = time.monotonic()
        for number, event in enumerate(events):
            wait_until(lambda due=begun + number * 0.05: time.monotonic() >= due, limit=60)  # type: ignore[misc]
            asked = time.monotonic()
            assert service.deliver(event).status_code == 202
            slowest = max(slowest, time.monotonic() - asked)
        print(f"200 deliveries in {time.monotonic() - begun:.1f} s, the slowest took {slowest:.3f} s")  # noqa: T201
        wait_until(lambda: settled(service), limit=120)
        states = [row["state"] for row in service.rows()]

    runs = operation.runs("webhook", "repository:acme/storm")
    print(f"{len(runs)} runs were made, {states.count('superseded')} deliveries were superseded")  # noqa: T201
    assert [run["parameters"]["ref"] for run in runs] == [head]
    assert (states.count("superseded"), states.count("started")) == (199, 1)


@pytest.fixture
def operated(operation: Operation) -> Iterator[Operation]:
    """The operation with a worker. Waiting runs of other tests are deleted, so that the worker is idle."""
    for run in operation.runs("webhook"):
        if run["state_type"] in OPEN:
            operation.ask("DELETE", f"/flow_runs/{run['id']}")
    with worker(operation):
        yield operation


def test_from_delivery_to_status(operated: Operation, data: Path) -> None:
    times = []
    with started(operated, data) as service:
        for number in range(5):
            event = pushed(operated, "acme/whole", f"refs/heads/b{number}")
            begun = time.monotonic()
            service.deliver(event)
            tag = f"commit:{event['after']}"
            wait_until(lambda tag=tag: bool(operated.runs(tag)), limit=60)  # type: ignore[misc]
            (run,) = operated.runs(tag)
            operated.wait(run["id"], {"RUNNING", "COMPLETED"})
            times.append(time.monotonic() - begun)
            assert operated.wait(run["id"])["state_type"] == "COMPLETED"
            operated.wait_for_states("acme/whole", event["after"], "pending", "success")

    print("from delivery to running:", ", ".join(f"{each:.1f} s" for each in times))  # noqa: T201 - a measurement


def test_a_newer_push_cancels_the_running_one(operated: Operation, data: Path) -> None:
    with started(operated, data) as service:
        older = pushed(operated, "acme/ended", check=HANGS)
        service.deliver(older)
        operated.wait_for_states("acme/ended", older["after"], "pending")
        newer = pushed(operated, "acme/ended")
        service.deliver(newer)
        operated.wait_for_states("acme/ended", newer["after"], "pending", "success")
        operated.wait_for_states("acme/ended", older["after"], "pending", "error")
        wait_until(lambda: open_runs(operated, "acme/ended") == [], limit=60)

    states = {run["parameters"]["ref"]: run["state_type"] for run in operated.runs("webhook", "repository:acme/ended")}
    assert states == {older["after"]: "CANCELLED", newer["after"]: "COMPLETED"}
    assert (
        f"superseded by {newer['after'][:10]}"
        in operated.github.statuses("acme/ended", older["after"])[-1]["description"]
    )


def test_concurrent_deliveries_are_all_accepted(operation: Operation, data: Path) -> None:
    events = [pushed(operation, "acme/beside", f"refs/heads/b{number}") for number in range(8)]
    bodies = [encoded(event) for event in events for _ in range(3)]
    answers: list[str] = []
    with started(operation, data) as service:
        threads = [
            threading.Thread(target=lambda body=body: answers.append(service.deliver(body).json()["answer"]))
            for body in bodies
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: settled(service), limit=120)

    assert (answers.count("accepted"), answers.count("repeated")) == (8, 16)
    assert len(operation.runs("webhook", "repository:acme/beside")) == 8
