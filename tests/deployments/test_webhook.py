"""The deliveries that the service accepts and refuses, in GitHub's format, over HTTP, to a real process."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.deployments.deliveries import CASES, Case
from tests.deployments.events import (
    HEAD,
    SECRET,
    encoded,
    headers,
    push,
)
from tests.deployments.service import NOWHERE, Service, run_service, serving, settings_of

RULES = {
    "branches": "main,feature/**,!feature/old",
    "tags": "v*",
    "paths": "apps/**,!**/*.md",
    "repositories": "acme/*",
}
LIMIT = 26_214_400
AT_ONCE, PATIENCE_OF_GITHUB = 200, 10.0
TOKEN = "ghp_0123456789"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Service]:
    """A service that cannot reach Prefect: accepted deliveries wait."""
    with serving(home / "data", home, **settings_of(RULES), PREDEPLOY_GITHUB_TOKEN=TOKEN) as service:
        yield service


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_delivery(service: Service, case: Case) -> None:
    before = service.rows()

    answer = service.deliver(case.event, case.name, **case.over)

    assert answer.status_code == case.status, answer.text
    assert case.says in answer.json().get("reason", "")
    added = service.rows()[len(before) :]
    assert [(row["ref"], row["sha"], row["policy"]) for row in added] == ([case.wanted] if case.wanted else [])
    if case.wanted:
        shown = service.get(answer.json()["link"].removeprefix(service.url)).json()
        assert (shown["state"], shown["commit"], shown["trusted"]) == ("waiting", HEAD, case.wanted[2] == "")


def test_a_delivery_counts_once_even_if_unsigned_headers_differ(service: Service) -> None:
    body = encoded(push())
    first = service.deliver(body)
    before = service.rows()

    again = [
        service.deliver(body),
        service.deliver(body, X_GitHub_Delivery="00000000-0000-0000-0000-000000000000"),
        service.deliver(body, X_GitHub_Delivery=None, User_Agent="curl"),
    ]

    assert [answer.status_code for answer in again] == [200, 200, 200]
    assert {answer.json()["answer"] for answer in again} == {"repeated"}
    assert {answer.json()["link"] for answer in again} == {first.json()["link"]}
    assert service.rows() == before


def test_an_ignored_delivery_is_decided_again(service: Service) -> None:
    body = encoded(push("refs/heads/try"))

    answers = [service.deliver(body).json() for _ in range(2)]

    assert [answer["answer"] for answer in answers] == ["ignored", "ignored"]


def test_a_body_of_30_mb_is_refused_before_it_is_read(service: Service) -> None:
    signed = headers(b" " * 30_000_000)

    declared = answer_to(service, signed | {"Content-Length": "30000000"}, 0)
    undeclared = answer_to(service, signed | {"Transfer-Encoding": "chunked"}, LIMIT + 1)

    assert (declared, undeclared) == (413, 413)
    assert service.deliver(push()).status_code == 202


def test_an_unsigned_body_is_refused_before_it_is_read(service: Service) -> None:
    unsigned = headers(b"", X_Hub_Signature_256=None)

    assert answer_to(service, unsigned | {"Content-Length": "20000000"}, 0) == 401


def test_connection_ends_after_an_answer_to_an_unread_body(service: Service) -> None:
    place = httpx.URL(service.url)
    lines = [f"{name}: {text}\r\n" for name, text in (headers(b"", X_Hub_Signature_256=None)).items()]
    head = "".join(["POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n", *lines, "\r\n"])
    with socket.create_connection((place.host, place.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.makefile("rb").read()
        with contextlib.suppress(OSError):
            connection.sendall(b"x" * 100_000)

    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.endswith(b"}")


def test_the_secret_is_in_no_environment_of_the_service(service: Service) -> None:
    environ = Path(f"/proc/{service.process.pid}/environ").read_bytes()

    assert b"PREDEPLOY_WEBHOOK_DATA=" in environ
    assert SECRET.encode() not in environ
    assert TOKEN.encode() not in environ


def answer_to(service: Service, head: dict[str, str], size: int) -> int:
    """Returns the status of a request after `size` bytes of its body, in one chunk."""
    place = httpx.URL(service.url)
    lines = [
        f"POST /github HTTP/1.1\r\nHost: {place.host}\r\n",
        *(f"{name}: {text}\r\n" for name, text in head.items()),
    ]
    with socket.create_connection((place.host, place.port or 80), timeout=30) as connection:
        connection.sendall("".join([*lines, "\r\n"]).encode())
        if size:
            connection.sendall(f"{size:x}\r\n".encode() + b" " * size)
        return int(connection.makefile("rb").readline().split()[1])


def test_there_are_no_other_routes(service: Service) -> None:
    assert service.get("/github").status_code == 405
    assert service.get("/docs").status_code == 404
    assert service.get("/openapi.json").status_code == 404
    assert service.get(f"/deliveries/{'0' * 64}").status_code == 404


def test_health_and_metrics_count_waiting_deliveries(service: Service) -> None:
    service.deliver(push())

    health, metrics = service.get("/healthz"), service.get("/metrics")

    waiting = [row for row in service.rows() if row["state"] == "waiting"]
    assert health.status_code == 200
    assert health.json() == {
        "status": health.json()["status"],
        "deliveries": "accepted",
        "waiting": len(waiting),
    }
    assert metrics.headers["content-type"].startswith("text/plain")
    assert f"predeploy_webhook_waiting {float(len(waiting))}" in metrics.text
    assert 'predeploy_webhook_deliveries_total{answer="accepted"}' in metrics.text
    assert SECRET not in metrics.text + health.text


def test_deliveries_in_a_row_are_all_accepted(service: Service) -> None:
    assert [service.deliver(push()).status_code for _ in range(20)] == [202] * 20


@pytest.mark.slow
def test_deliveries_at_once_are_all_answered_in_the_time_that_github_waits(home: Path) -> None:
    def deliver(body: bytes) -> tuple[int, float]:
        begun = time.monotonic()
        # without `verify`, each client would first load all certificates
        answer = httpx.post(f"{own.url}/github", content=body, headers=headers(body, "push"), timeout=60, verify=False)
        return answer.status_code, time.monotonic() - begun

    bodies = [encoded(push()) for _ in range(AT_ONCE)]
    with (
        serving(home / "many", home, **settings_of(RULES), PREDEPLOY_GITHUB_TOKEN=TOKEN) as own,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        answers = [*pool.map(deliver, bodies)]
        stored = len(own.rows())

    assert ({code for code, _ in answers}, stored) == ({202}, AT_ONCE)
    assert max(seconds for _, seconds in answers) < PATIENCE_OF_GITHUB


def test_it_does_not_start_without_a_secret(home: Path) -> None:
    ended = run_service(home, PREFECT_API_URL=NOWHERE)

    assert ended.returncode == 2
    text = "must be a random text of at least 16 characters, the same as in GitHub (it is not set)"
    assert f"PREDEPLOY_WEBHOOK_SECRET: {text}" in ended.stderr


def test_short_secret_is_reported_with_its_length_alone(home: Path) -> None:
    ended = run_service(home, PREFECT_API_URL=NOWHERE, **settings_of({"secret": "hunter2"}))

    assert "the same as in GitHub (it has 7)" in ended.stderr
    assert "a string" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_it_reports_all_mistakes_at_once_without_the_secret(home: Path) -> None:
    wrong = {"secret": "hunter2", "port": "x", "events": "push,pull", "body_limit": "1", "branch": "main"}

    ended = run_service(home, PREDEPLOY_GITHUB_API_URL="nowhere", **settings_of(wrong))

    assert ended.returncode == 2
    for name in ("SECRET", "PORT", "EVENTS", "BODY_LIMIT"):
        assert f"PREDEPLOY_WEBHOOK_{name}: must be" in ended.stderr
    assert "PREDEPLOY_GITHUB_API_URL: must be a URL" in ended.stderr
    assert "PREDEPLOY_WEBHOOK_BRANCH: no such setting; did you mean PREDEPLOY_WEBHOOK_BRANCHES?" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_it_does_not_start_without_a_server(home: Path) -> None:
    ended = run_service(home, PREDEPLOY_WEBHOOK_SECRET=SECRET)

    assert (ended.returncode, "PREFECT_API_URL: is not set" in ended.stderr) == (2, True)


def test_two_services_do_not_share_their_deliveries(service: Service, home: Path) -> None:
    ended = run_service(
        home, PREFECT_API_URL=NOWHERE, PREDEPLOY_WEBHOOK_SECRET=SECRET, PREDEPLOY_WEBHOOK_DATA=str(service.data)
    )

    assert (ended.returncode, "another service keeps its deliveries" in ended.stderr) == (2, True)
