"""The guard of the local server: accepted requests, and the activity that keeps the server up."""

import asyncio
import logging
from typing import Any

import pytest

from tasks.prefect_server.guard import App, Guard, Message, Receive, Send, is_own
from tasks.prefect_server.password import COOKIE, authorization, signed

PASSWORD = "p" * 40
OWN = authorization(PASSWORD)


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
    guard = Guard(answering(200), PASSWORD)

    assert [message.get("status") for message in await ask(guard, scope(host="elsewhere.example"))] == [403, None]
    assert await ask(guard, scope("websocket", host="localhost", origin="http://elsewhere.example")) == [
        {"type": "websocket.close", "code": 1008}
    ]


async def test_server_is_not_idle_while_a_client_is_connected() -> None:
    leave = asyncio.Event()

    async def app(*_: Any) -> None:
        await leave.wait()

    guard = Guard(app, PASSWORD)
    connected = asyncio.create_task(ask(guard, scope("websocket", host="localhost", authorization=OWN)))
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
        await ask(Guard(answering(status), PASSWORD), scope(host="localhost", authorization=OWN))

    assert caplog.messages == messages


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": OWN}, 200),
        ({"cookie": f"other=1; {COOKIE}={signed(PASSWORD, 'cookie', 9999)}"}, 200),
        ({}, 401),
        ({"authorization": authorization("another" * 8)}, 401),
        ({"authorization": f"Bearer {PASSWORD}"}, 401),
        ({"cookie": f"{COOKIE}={signed(PASSWORD, 'ticket', 9999)}"}, 401),
        ({"cookie": f"{COOKIE}={signed(PASSWORD, 'cookie', -1)}"}, 401),
        ({"cookie": f"{COOKIE}={signed('another' * 8, 'cookie', 9999)}"}, 401),
        ({"cookie": f'{COOKIE}="; {COOKIE}'}, 401),
    ],
    ids=range(9),
)
async def test_only_programs_and_pages_of_the_user_are_admitted(headers: dict[str, str], status: int) -> None:
    guard = Guard(answering(200), PASSWORD)

    (first, *_) = await ask(guard, scope(host="localhost", **headers))
    (socket, *_) = await ask(guard, scope("websocket", host="localhost", **headers))

    assert first["status"] == status
    assert (socket.get("code") == 1008) is (status == 401)


async def test_ticket_lets_a_browser_in() -> None:
    guard = Guard(answering(200), PASSWORD)

    async def open_with(ticket: str) -> Message:
        asked = {**scope(host="localhost"), "path": "/open", "query_string": f"ticket={ticket}".encode()}
        return (await ask(guard, asked))[0]

    let_in, late, wrong = [
        await open_with(signed(PASSWORD, purpose, seconds))
        for purpose, seconds in (("ticket", 60), ("ticket", -1), ("cookie", 60))
    ]
    headers = dict(let_in["headers"])
    cookie = headers[b"set-cookie"].decode().partition(";")[0]
    (page, *_) = await ask(guard, scope(host="localhost", cookie=cookie))

    assert (let_in["status"], late["status"], wrong["status"], page["status"]) == (303, 401, 401, 200)
    assert headers[b"location"] == b"/runs"
    assert b"HttpOnly" in headers[b"set-cookie"]
    assert PASSWORD.encode() not in headers[b"set-cookie"]
