"""The life of one connection of the webhook service."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from deployments.webhook import protocol
from deployments.webhook.protocol import ImpatientProtocol

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


@asynccontextmanager
async def answering_after(seconds: float) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server whose application reads the body, and then takes its time."""

    async def application(_: object, receive: object, send: object) -> None:
        assert callable(receive)
        assert callable(send)
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(seconds)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(application, http=ImpatientProtocol, log_config=None, access_log=False)
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: ImpatientProtocol(config, ServerState(), {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


@pytest.fixture(autouse=True)
def short_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LIFE", 0.2)


async def test_answer_to_a_complete_request_outlives_the_connection() -> None:
    """Its delivery may be stored already: without the answer, GitHub would count it as failed."""
    async with answering_after(0.6) as (reader, writer):
        writer.write(REQUEST + b"{}")
        answer = await asyncio.wait_for(reader.read(), 20)

    assert answer.startswith(b"HTTP/1.1 202")
    assert answer.endswith(b"ok")


@pytest.mark.parametrize("sent", [b"", REQUEST, REQUEST + b"{"], ids=["nothing", "head", "half"])
async def test_connection_whose_sender_is_at_turn_ends_with_its_life(sent: bytes) -> None:
    async with answering_after(0) as (reader, writer):
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 20)

    assert answer == b""


async def test_connection_without_an_answer_ends_after_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ANSWER", 0.2)
    async with answering_after(3600) as (reader, writer):
        begun = time.monotonic()
        writer.write(REQUEST + b"{}")
        answer = await asyncio.wait_for(reader.read(), 20)

    assert answer == b""
    assert time.monotonic() - begun >= 0.3
