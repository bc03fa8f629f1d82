"""The service that receives all outbound requests of a Worker.

It answers requests to the Worker's database, as Neon's SQL over HTTP, and refuses all others.

    outbound.py --host HOST --port PORT

All outbound requests of a Worker arrive here, as plain HTTP with their original Host header. Needs psycopg.
`DATABASE_URL` is the real Postgres of the check, `PREDEPLOY_NEON_URL` the connection string that the Worker was given
(empty: none). Ends on SIGTERM with code 0. Prints one line per request: kind, status, method, host, path.

`GET /predeploy/log` with `Host: predeploy.invalid` returns the requests, oldest first:

    {"requests": [{"at", "method", "host", "path", "kind", "status", "reason",
                   "queries": [{"query", "command", "rows",
                                "sqlstate", "message", "detail", "column", "table", "constraint"}]}],
     "dropped": 0}

`at` is the time of the answer (ISO 8601, UTC). `path` has no query string. `query` is cut at 500 characters. `rows` is
the number of rows returned or affected. `command` and `rows` are null if a query failed, the other six if it did not.
Queries after a failed one are missing. `kind` is one of

    sql       Neon's endpoint answered with `status`. 499: the Worker closed the connection; its query was cancelled.
    refused   The request was for another host: 502.
    unspoken  Neon would have answered, but this service does not support the request: 501. `reason` says why. There
              is no verdict on the Worker.
    lost      Postgres is gone, or is out of disk, memory or connections: 500. There is no verdict on the Worker.

The log has the sqlstate 28P01 for a wrong user, password or endpoint; the answer leaves it out, as Neon's does. The log
keeps 1000 requests with up to 50 queries each; `dropped` counts the older requests. It holds no password and no value
of a parameter: if Postgres repeats a value, the log shows `$1` or `…` instead.
"""

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import unquote, urlsplit

from neon_request import LIMIT, RefusedQueryError, read_account
from postgres import connection_info
from psycopg import ProgrammingError
from request_log import HiddenValues, RequestLog
from router import HttpReply, HttpRequest, Router, explain

CHUNK = 1 << 16
DRAINED = 4 * LIMIT
"""Bytes. A body over the limit is read up to here and discarded, so that the client can read the answer."""


class BodyError(Exception):
    """The framing of a body violates HTTP. The connection must be closed."""


class Body:
    """Collects a request's body, and discards it if it is too large."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > DRAINED:
            raise BodyError("it does not end")
        if self.size > LIMIT:
            self.parts.clear()
        else:
            self.parts.append(part)

    @property
    def content(self) -> bytes | None:
        return None if self.size > LIMIT else b"".join(self.parts)


class Handler(BaseHTTPRequestHandler):
    """Handles requests of any method, on persistent connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer in one piece
    server: "OutboundServer"

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self.reply
        raise AttributeError(name)

    def reply(self) -> None:
        """Reads one request and answers it."""
        try:
            body = self.read_body()
        except (BodyError, ValueError) as error:
            self.close_connection = True
            self.send(HttpReply(status=400, body=explain(f"the body of the request cannot be read: {error}")))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        host, path = read_target(self.command, self.path, headers.get("host", ""))
        request = HttpRequest(
            method=self.command, host=host, path=path, headers=headers, body=body, client=self.connection
        )
        reply = self.server.router.answer(request)
        if self.command == "CONNECT" or request.upgrades:
            self.close_connection = True
        if reply.kind:
            words = (reply.kind, reply.status, self.command, host, path.partition("?")[0])
            line = self.server.router.request_log.secrets.redact(" ".join(map(str, words)))
            print(printable(line) + "\n", end="", flush=True)
        self.send(reply)

    def read_body(self) -> bytes | None:
        """Returns the body, or None if it is over the limit."""
        body = Body()
        coding = self.headers.get("Transfer-Encoding", "").lower()
        if coding not in {"", "chunked"}:
            raise BodyError(f"Transfer-Encoding: {coding}")
        if not coding:
            self.read_exactly(int(self.headers.get("Content-Length") or 0), body)
            return body.content
        while size := int(self.rfile.readline(CHUNK).partition(b";")[0], 16):
            self.read_exactly(size, body)
            if self.rfile.readline(CHUNK).strip():
                raise BodyError("a chunk is longer than it says")
        while self.rfile.readline(CHUNK).strip():
            pass  # trailers
        return body.content

    def read_exactly(self, size: int, body: Body) -> None:
        if size < 0:
            raise BodyError("a length below zero")
        while size:
            part = self.rfile.read(min(size, CHUNK))
            if not part:
                raise BodyError("it ends early")
            size -= len(part)
            body.add(part)

    def send(self, reply: HttpReply) -> None:
        self.send_response_only(reply.status, "Client Closed Request" if reply.status == 499 else None)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Prints nothing: `reply` prints a line per request, without secrets that a path may hold."""


class OutboundServer(ThreadingTCPServer):
    """A server with a thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], router: Router) -> None:
        super().__init__(address, Handler)
        self.router = router

    def handle_error(self, *_: object) -> None:
        """Prints the traceback of an error, unless the client closed the connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_tb(sys.exc_info()[2])


def read_target(method: str, target: str, host: str) -> tuple[str, str]:
    """Returns the host without its port, and the path. A request to a proxy has a full URL, or a host with CONNECT."""
    path = target
    if method == "CONNECT":
        host, path = target, ""
    elif not target.startswith("/") and "://" in target:
        parts = urlsplit(target)
        host, path = parts.netloc.rpartition("@")[2], (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return bare.strip().rstrip(".").lower(), path


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def open_router(environ: Mapping[str, str]) -> Router:
    """Returns the router for the two database URLs. Raises ValueError if one of them is invalid."""
    real, given = environ.get("DATABASE_URL", ""), environ.get("PREDEPLOY_NEON_URL", "")
    if given and not real:
        raise ValueError("DATABASE_URL is not set. PREDEPLOY_NEON_URL needs a real database behind it")
    try:
        account = read_account(given) if given else None
    except RefusedQueryError as error:
        raise ValueError(f"PREDEPLOY_NEON_URL is not a connection string of Neon: {error}") from error
    try:
        info, password = connection_info(real), urlsplit(real).password or ""
    except (ValueError, ProgrammingError):
        raise ValueError("DATABASE_URL is not a database URL") from None  # libpq's message may hold the password
    passwords = [account.password if account else "", password, unquote(password)]
    return Router(account=account, info=info, request_log=RequestLog(HiddenValues.of(passwords)))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    try:
        router = open_router(os.environ)
    except ValueError as error:
        parser.error(str(error))
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # libpq would read them
    # sigwait instead of a handler: a handler does not wake the main thread if the signal arrives in a thread that ends
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with OutboundServer((options.host, options.port), router) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        print(f"listening on {options.host}:{server.server_address[1]}", flush=True)
        signal.sigwait({signal.SIGTERM})
        server.shutdown()
    return 0


if __name__ == "__main__":
    os._exit(main())  # does not wait for threads that still answer
