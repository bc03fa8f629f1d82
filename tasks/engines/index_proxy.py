"""A proxy that reaches private package indexes: a build can use them without any credential.

The code of a package may need further packages of a private index. Its package manager asks the proxy, which adds the
credential. The code can use the index for that time, too, but it never sees the credential.

On the embedded engine it serves on loopback, in this process. In containers it is a server of its own: this file is its
program, and imports the standard library only. It serves those that have its password: other users of the machine, and
other runs on an engine of containers, can connect to it.
"""

import base64
import contextlib
import hmac
import json
import os
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPMessage, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
PASSED = ("Accept", "Range", "If-None-Match", "If-Modified-Since")
RETURNED = ("Content-Type", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified", "Cache-Control")
PAGES = ("text/html", "application/vnd.pypi.simple", "application/json")
"""Pages of an index. They have links to its files, which must lead to the proxy as well."""
LIMIT = 300.0
AUTHORIZATIONS = "PREDEPLOY_INDEX_AUTHORIZATIONS"
"""The variable of the server in a container. It has its password and the headers by origin, as JSON."""
FIRST_PORT = 8000
USER = "predeploy"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in the network of the server's container


@contextlib.contextmanager
def opened_proxies(authorizations: Mapping[str, str], password: str) -> Iterator[dict[str, str]]:
    """Yields the address of a proxy for each origin (`https://host`). `authorizations` are the headers by origin."""
    servers: dict[str, ThreadingHTTPServer] = {}
    try:
        for origin, header in authorizations.items():
            servers[origin] = _server(origin, header, (LOOPBACK, 0), password)
            threading.Thread(target=servers[origin].serve_forever, daemon=True).start()
        yield {origin: f"http://{LOOPBACK}:{server.server_port}" for origin, server in servers.items()}
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()


def ports(origins: Iterable[str]) -> dict[str, int]:
    """The port of each origin on the server in a container."""
    return {origin: FIRST_PORT + number for number, origin in enumerate(sorted(origins))}


def netrc_of(host: str, password: str) -> str:
    """The file from which a package manager takes the password of the proxy."""
    return f"machine {host} login {USER} password {password}\n"


def serve(authorizations: Mapping[str, str], password: str) -> None:
    """Serves all origins on their ports, until the process ends."""
    threads = []
    for origin, port in ports(authorizations).items():
        server = _server(origin, authorizations[origin], (EVERYWHERE, port), password)
        threads.append(threading.Thread(target=server.serve_forever))
        threads[-1].start()
    for thread in threads:
        thread.join()


def basic(user: str, password: str) -> str:
    """The header for a user and a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _server(origin: str, header: str, address: tuple[str, int], password: str) -> ThreadingHTTPServer:
    facts = {"origin": origin, "header": header, "expected": basic(USER, password)}
    handler = type("_OfOrigin", (_Handler,), facts)
    return ThreadingHTTPServer(address, handler)


def redirected(text: str, proxies: Mapping[str, str]) -> str:
    """A text with the addresses of the proxies in the place of the origins."""
    for origin, proxy in proxies.items():
        text = text.replace(origin, proxy)
    return text


class _KeepsCredentials(urllib.request.HTTPRedirectHandler):
    """Sends the credential to its own origin only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            made.remove_header("Authorization")
        return made


class _Handler(BaseHTTPRequestHandler):
    origin = header = expected = ""

    def do_GET(self) -> None:
        if not hmac.compare_digest(self.headers["Authorization"] or "", self.expected):
            self._end(401, {"WWW-Authenticate": "Basic"}, b"")
            return
        wanted = {name: self.headers[name] for name in PASSED if self.headers[name]}
        wanted |= {"Authorization": self.header, "Accept-Encoding": "identity"}
        asked = urllib.request.Request(self.origin + self.path, headers=wanted, method=self.command)  # noqa: S310
        try:
            with urllib.request.build_opener(_KeepsCredentials).open(asked, timeout=LIMIT) as answer:
                self._pass_on(answer)
        except urllib.error.HTTPError as error:
            self._end(error.code, {}, b"")
        except OSError:
            with contextlib.suppress(OSError):
                self._end(502, {}, b"")

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library calls

    def _pass_on(self, answer: HTTPResponse) -> None:
        headers = {name: answer.headers[name] for name in RETURNED if answer.headers[name]}
        if self.command == "GET" and answer.headers.get_content_type().startswith(PAGES):
            host = self.headers["Host"] or LOOPBACK
            page = answer.read().replace(self.origin.encode(), f"http://{host}".encode())
            self._end(answer.status, headers, page)
            return
        if length := answer.headers["Content-Length"]:
            headers["Content-Length"] = length
        self._begin(answer.status, headers)
        if self.command == "GET":
            shutil.copyfileobj(answer, self.wfile)

    def _end(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._begin(status, {**headers, "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Requests are not logged."""


if __name__ == "__main__":
    serve(**json.loads(os.environ[AUTHORIZATIONS]))
