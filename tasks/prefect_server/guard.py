"""Restricts the server to requests from this machine, and measures how long it is idle."""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_log = logging.getLogger("predeploy.server")
_NAMES = ("127.0.0.1", "localhost")


class Guard:
    """Admits only requests from programs on this machine and from the server's own pages. Counts open connections.

    The server has no password, so a foreign web page must not reach it. The `Host` header reveals a foreign name that
    resolves to loopback. The `Origin` header reveals a cross-origin request; websockets have no other protection.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._open = 0
        self._last = time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since the last request or connection ended; 0 while one is open."""
        return 0.0 if self._open else time.monotonic() - self._last

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            if is_own(dict(scope["headers"])):
                await self._app(scope, receive, _watched(scope, send))
            else:
                await _refuse(scope, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()


def is_own(headers: dict[bytes, bytes]) -> bool:
    """Whether the headers name this machine as host, and no origin other than this server's own pages."""
    host = headers.get(b"host", b"").decode("latin-1")
    if urlsplit(f"//{host}").hostname not in _NAMES:
        return False
    origin = headers.get(b"origin", b"").decode("latin-1")
    return not origin or urlsplit(origin).netloc == host


async def _refuse(scope: Message, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    text = b"This server accepts only requests from its own machine and its own pages.\n"
    await send({"type": "http.response.body", "body": text})


def _watched(scope: Message, send: Send) -> Send:
    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 500:
            _log.warning("%s %s answered %d", scope.get("method"), scope.get("path"), message["status"])
        await send(message)

    return pass_on
