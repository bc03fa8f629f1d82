"""The service in trouble: blocked threads, full disks, damaged databases, slow senders."""

import asyncio
import contextlib
import json
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.requests import Request

from deployments.webhook.app import WebhookService
from deployments.webhook.body import Bodies
from deployments.webhook.connections import OF_ONE_ADDRESS, Connections
from deployments.webhook.decision import Rules, Wanted
from deployments.webhook.dispatch import Dispatcher
from deployments.webhook.inbox import DeliveryStage, Inbox
from deployments.webhook.metrics import Metrics
from deployments.webhook.payload import MalformedError, parse
from deployments.webhook.reasons import reason_of
from deployments.webhook.runs import Runs
from tasks.errors import EngineError
from tests.deployments.events import SECRET, encoded, headers, push


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path / "deliveries.db") as inbox:
        yield inbox


@contextlib.asynccontextmanager
async def unreachable() -> AsyncIterator[Runs]:
    raise ConnectionError("there is no Prefect here")
    yield


async def no_head(_: Wanted) -> str | None:
    return None


def service_with(inbox: Inbox) -> WebhookService:
    metrics = Metrics()
    return WebhookService(
        secret=SECRET.encode(),
        rules=Rules(),
        bodies=Bodies(1 << 20),
        inbox=inbox,
        dispatcher=Dispatcher(inbox=inbox, metrics=metrics, connect=unreachable, head_of=no_head),
        metrics=metrics,
        public_url="http://127.0.0.1",
    )


def delivery() -> Request:
    body = encoded(push())
    said = [(name.lower().encode(), value.encode()) for name, value in headers(body, "push").items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/github", "headers": said}, receive)


async def test_deliveries_are_accepted_while_the_default_threads_are_blocked(inbox: Inbox) -> None:
    service, goes_on = service_with(inbox), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    waiting = loop.run_in_executor(None, goes_on.wait)
    try:
        async with asyncio.timeout(10):
            answer = await service.take(delivery())
            health = await service.health()
            counted = await service.count()
    finally:
        goes_on.set()
        await waiting

    assert (answer.status_code, health.status_code, counted.status_code) == (202, 200, 200)
    assert len(inbox.waiting()) == 1


def wanted(number: int) -> Wanted:
    return Wanted(repository="acme/cafe", ref=f"refs/heads/b{number}", commit=f"{number:040x}")


def moved_aside(place: Path) -> list[Path]:
    return sorted(each for each in place.iterdir() if ".damaged-" in each.name)


def digest(number: int) -> str:
    return f"{number:064x}"


async def test_deliveries_that_arrive_together_share_a_write(inbox: Inbox) -> None:
    commits: list[str] = []
    inbox._connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)

    answers = await asyncio.gather(*(inbox.store(digest(number % 150), wanted(number)) for number in range(200)))

    assert (answers.count(True), answers.count(False)) == (150, 50)
    assert 1 <= len(commits) < 20


@pytest.mark.parametrize("damage", ["head", "page", "whole", "no database"])
async def test_damaged_database_is_moved_aside_and_its_deliveries_are_salvaged(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("predeploy"), "propagate", True)
    path = tmp_path / "deliveries.db"
    with Inbox(path) as inbox:
        for number in range(100):
            inbox.accept(digest(number), wanted(number))
        entry = inbox.waiting()[7]
        inbox.mark(entry, DeliveryStage.STARTED, run="a-run")
    content = bytearray(path.read_bytes())
    match damage:
        case "head":
            content[:100] = bytes(100)
        case "page":
            content[4096 * 2 : 4096 * 2 + 200] = bytes([255]) * 200
        case "whole":
            content[: len(content) // 2] = bytes(len(content) // 2)
        case "no database":
            content[:] = b"this is no database\n" * 1000
    path.write_bytes(content)

    with Inbox(path) as inbox:
        waiting = {entry.digest for entry in inbox.waiting()}
        known = inbox.find(digest(7))
        is_new = await inbox.store(digest(1000), wanted(1000))

    aside = moved_aside(tmp_path)
    assert is_new
    assert aside
    assert str(aside[0]) in caplog.text
    assert waiting <= {digest(number) for number in range(100)} - {digest(7)}
    if damage in {"head", "page"}:
        assert len(waiting) > 60
        assert f"salvaged: acme/cafe refs/heads/b99 {99:040x}" in caplog.text
    if damage == "head":
        assert known is not None
        assert known.stage is DeliveryStage.STARTED


async def test_database_that_is_damaged_while_it_is_open_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deliveries.db"
    with Inbox(path) as inbox:
        for number in range(300):
            inbox.accept(digest(number), wanted(number))
        inbox._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        inbox._connection.execute("PRAGMA cache_size = 0")
        path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

        answers = [await inbox.store(digest(number), wanted(number)) for number in range(1000, 1003)]

        assert answers == [True] * 3
        assert len(await inbox.ask(inbox.waiting)) >= 3
    assert moved_aside(tmp_path)


async def test_health_says_that_a_full_disk_takes_no_delivery(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_with(inbox)

    monkeypatch.setattr("deployments.webhook.app.FRESH", 0.0)
    well = await service.health()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    full = await service.health()
    monkeypatch.undo()

    assert (well.status_code, json.loads(bytes(well.body))["deliveries"]) == (200, "accepted")
    assert (full.status_code, json.loads(bytes(full.body))) == (503, {"status": "broken", "deliveries": "refused"})


async def test_health_and_answer_of_a_broken_database_give_no_details(inbox: Inbox) -> None:
    service = service_with(inbox)
    inbox._connection.execute("PRAGMA query_only = ON")

    health, answer = await service.health(), await service.take(delivery())

    assert (health.status_code, answer.status_code) == (503, 503)
    assert json.loads(bytes(health.body)) == {"status": "broken", "deliveries": "refused"}
    assert b"readonly" not in bytes(answer.body)


class Slow:
    """A connection whose sender is at turn."""

    def __init__(self, source: str, opened: float = 0.0, *, keeps_waiting: bool = True) -> None:
        self.source, self.opened, self.keeps_waiting, self.dropped = source, opened, keeps_waiting, False

    def drop(self) -> None:
        self.dropped = True


def test_slow_connections_of_an_address_give_way_to_the_next() -> None:
    connections = Connections(clock=lambda: 100.0)
    slow = [Slow("a") for _ in range(OF_ONE_ADDRESS + 10)]
    busy = Slow("a", keeps_waiting=False)

    assert connections.admit(busy)
    assert all(connections.admit(each) for each in slow)
    assert [each.dropped for each in slow] == [True] * 10 + [False] * OF_ONE_ADDRESS
    assert not busy.dropped


def test_many_addresses_do_not_exhaust_the_connections() -> None:
    connections = Connections(clock=lambda: 100.0, most=50)
    many = [Slow(f"10.0.0.{number}") for number in range(50)]
    young = Slow("b", 99.0)

    assert all(connections.admit(each) for each in many)
    assert connections.admit(young)
    assert many[0].dropped
    assert [each.dropped for each in many].count(True) == 1


def test_connections_are_refused_only_if_none_can_give_way() -> None:
    connections = Connections(clock=lambda: 1.0, most=3)

    assert [connections.admit(Slow("a")) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("field", "text"), [("after", "a" * 40 + "\n"), ("ref", "refs/heads/main\n"), ("ref", "refs/heads/a\x0bb")]
)
def test_names_are_matched_whole(field: str, text: str) -> None:
    with pytest.raises(MalformedError, match=field):
        parse("push", encoded(push() | {field: text}))


def test_reasons_of_errors_have_no_url_and_no_body() -> None:
    request = httpx.Request("GET", "https://user:pa55@prefect.example/api")
    answer = httpx.Response(502, text="<h1>internal host db-7</h1>", request=request)
    error = httpx.HTTPStatusError(f"502 for {request.url}: {answer.text}", request=request, response=answer)

    assert reason_of(error) == "HTTPStatusError: the answer was 502"
    assert reason_of(RuntimeError(f"at {request.url}")) == "RuntimeError"
    assert "remote said" not in reason_of(EngineError("git: remote said 403", "checkout"))
