"""The faults that the fake Doppler server can show on request."""

import json
import socket
import struct
from collections.abc import Mapping

from tests.secrets.doppler.server import Handler
from tests.secrets.doppler.service import Fault

HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"


def answer(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Fault:
    """A fixed answer to any request."""
    return lambda handler: handler.send(status, body, headers)


def refuse(status: int, *messages: str, **headers: str) -> Fault:
    """An error as the API words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(status, json.dumps({"messages": messages, "success": False}).encode(), named)


def page(status: int, **headers: str) -> Fault:
    """An error page of a proxy."""
    return answer(status, PAGE, {**HTML, **{name.replace("_", "-"): value for name, value in headers.items()}})


def silence(handler: Handler) -> None:
    """No answer while the client waits."""
    handler.doppler.closing.wait(60)


def silence_in_body(handler: Handler) -> None:
    """Headers and the beginning of a body, then silence."""
    begin(handler, b'{"secrets": {"KEY', 1000)
    handler.doppler.closing.wait(60)


def drip(handler: Handler) -> None:
    """A slow body: one byte at a time, without an end."""
    begin(handler, b'{"secrets": {', 100_000)
    while not handler.doppler.closing.wait(0.02):
        handler.wfile.write(b" ")


def drip_headers(handler: Handler) -> None:
    """A slow header: one byte at a time, without an end."""
    handler.status = 200
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not handler.doppler.closing.wait(0.02):
        handler.wfile.write(b"a")


def cut_off(handler: Handler) -> None:
    """A body that is shorter than its Content-Length."""
    begin(handler, b'{"secrets": {"KEY": {"computed": "half a va', 1000)


def hang_up(handler: Handler) -> None:
    """The connection is closed without an answer."""


def reset(handler: Handler) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def no_http(handler: Handler) -> None:
    """The server does not speak HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")


def endless(handler: Handler) -> None:
    """A body that is too large."""
    begin(handler, b'{"secrets": {"A": "', 1 << 40)
    while not handler.doppler.closing.is_set():
        handler.wfile.write(b"a" * (1 << 20))


def redirect(to: str, status: int = 302) -> Fault:
    """A redirect."""
    return answer(status, b"", {"location": to})


def begin(handler: Handler, body: bytes, length: int) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
