"""Restricts access to the server, and records when it was last used."""

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tasks.prefect_server.password import COOKIE, COOKIE_SECONDS, authorization, is_signed, signed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_log = logging.getLogger("predeploy.server")
OPEN = "/open"
"""The page of the link that `predeploy ui` prints."""
_NAMES = ("127.0.0.1", "localhost")


class Guard:
    """Admit only this user's programs and pages, and count open requests.

    Other users of the machine do not have the password. `Host` shows a foreign name that resolves to loopback. `Origin`
    shows a cross-origin request, and is the only protection of websockets from other pages. `failed` is set when an
    answer is an error of the server.
    """

    def __init__(self, app: App, password: str) -> None:
        self._app, self._password = app, password
        self._open = 0
        self._last = time.monotonic()
        self.failed = asyncio.Event()

    @property
    def idle(self) -> float:
        """Return the seconds since the last request or connection."""
        return 0.0 if self._open else time.monotonic() - self._last

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._open += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if not is_own(headers):
            await _refuse(scope, send, 403, "This server answers its own machine and its own pages only.")
        elif scope["type"] == "http" and scope["path"] == OPEN:
            await self._let_in(scope, send)
        elif not is_of_user(headers, self._password):
            await _refuse(scope, send, 401, "This server is its user's alone. Its user opens it with: predeploy ui")
        else:
            await self._app(scope, receive, self._watched(scope, send))

    async def _let_in(self, scope: Message, send: Send) -> None:
        """Gives the browser of the user a cookie, and sends it to the runs."""
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if not is_signed(asked.get("ticket", [""])[0], self._password, "ticket"):
            await _refuse(scope, send, 401, "This link is no longer valid. Get a new one with: predeploy ui")
            return
        value = signed(self._password, "cookie", COOKIE_SECONDS)
        cookie = f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_SECONDS}"
        headers = [(b"location", b"/runs"), (b"set-cookie", cookie.encode()), (b"referrer-policy", b"no-referrer")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _watched(self, scope: Message, send: Send) -> Send:
        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 500:
                _log.warning("%s %s answered %d", scope.get("method"), scope.get("path"), message["status"])
                self.failed.set()
            await send(message)

        return pass_on


def is_of_user(headers: dict[bytes, bytes], password: str) -> bool:
    """Tell whether a request comes from a program or a browser that has proved to be its user's."""
    given = headers.get(b"authorization", b"")
    if hmac.compare_digest(given, authorization(password).encode()):
        return True
    cookies = SimpleCookie()
    with contextlib.suppress(CookieError):
        cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
    return COOKIE in cookies and is_signed(cookies[COOKIE].value, password, "cookie")


def is_own(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a request names this machine, and comes from a program or from this server's own pages."""
    host = headers.get(b"host", b"").decode("latin-1")
    if urlsplit(f"//{host}").hostname not in _NAMES:
        return False
    origin = headers.get(b"origin", b"").decode("latin-1")
    return not origin or urlsplit(origin).netloc == host


async def _refuse(scope: Message, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
