"""The inbox while all other threads of its process are blocked."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.requests import Request

from deployments.webhook.app import WebhookService
from deployments.webhook.body import Bodies
from deployments.webhook.decision import Rules, Wanted
from deployments.webhook.dispatch import Dispatcher
from deployments.webhook.inbox import Inbox
from deployments.webhook.metrics import Metrics
from deployments.webhook.runs import Runs
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
