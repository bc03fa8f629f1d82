"""The guard of the local server: accepted requests, and the activity that keeps the server up."""

import asyncio
import logging
from typing import Any

import pytest

from tasks.prefect_server.guard import App, Guard, Message, Receive, Send, is_own


def scope(kind: str = "http", **headers: str) -> Message:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "method": "POST", "path": "/api/flows/", "headers": pairs}


def answering(status: int) -> App:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})

    return app


async def ask(guard: Guard, asked: Message) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(asked, receive, send)
    return sent


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"host": "127.0.0.1:4200"}, True),
        ({"host": "localhost:4200"}, True),
        ({"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4200"}, True),
        ({"host": "127.0.0.1:4200", "origin": "http://127.0.0.1:4201"}, False),
        ({"host": "127.0.0.1:4200", "origin": "http://localhost.elsewhere.example"}, False),
        ({"host": "127.0.0.1:4200", "origin": "null"}, False),
        ({"host": "rebound.example:4200"}, False),
        ({"host": "rebound.example:4200", "origin": "http://rebound.example:4200"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_only_this_machine_and_the_servers_own_pages_are_accepted(headers: dict[str, str], own: bool) -> None:
    assert is_own({name.encode(): value.encode() for name, value in headers.items()}) is own


async def test_rejected_request_does_not_reach_the_application() -> None:
    guard = Guard(answering(200))

    assert [message.get("status") for message in await ask(guard, scope(host="elsewhere.example"))] == [403, None]
    assert await ask(guard, scope("websocket", host="localhost", origin="http://elsewhere.example")) == [
        {"type": "websocket.close", "code": 1008}
    ]


async def test_server_is_not_idle_while_a_client_is_connected() -> None:
    leave = asyncio.Event()

    async def app(*_: Any) -> None:
        await leave.wait()

    guard = Guard(app)
    connected = asyncio.create_task(ask(guard, scope("websocket", host="localhost")))
    await asyncio.sleep(0.1)
    during = guard.idle
    leave.set()
    await connected
    await asyncio.sleep(0.1)

    assert during == 0
    assert 0.05 < guard.idle < 1


@pytest.mark.parametrize(("status", "messages"), [(200, []), (503, ["POST /api/flows/ answered 503"])])
async def test_rejected_request_is_logged(caplog: pytest.LogCaptureFixture, status: int, messages: list[str]) -> None:
    with caplog.at_level(logging.WARNING, logger="predeploy.server"):
        await ask(Guard(answering(status)), scope(host="localhost"))

    assert caplog.messages == messages
