"""A fake Doppler on loopback: it speaks API v3, and shows faults on request."""

import base64
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.secrets.doppler.service import Actor, Asked, Doppler, Place, RefusedError

CONFIG = "/v3/configs/config"
Answer = tuple[int, bytes, dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    doppler: Doppler
    status = 0

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        """Answers, or shows the next fault."""
        self.status = 0
        fault = self.doppler.next_fault()
        # recorded before the answer: the test may check it right after the answer
        place = self._note()
        if fault is not None:
            self.close_connection = True
            with suppress(OSError):
                fault(self)
        else:
            self._answer()
        self._note(place)

    def send_response(self, code: int, message: str | None = None) -> None:
        self.status = int(code)
        super().send_response(code, message)

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Sends a complete answer."""
        self.send_response(status)
        given = {"content-type": "application/json", "x-request-id": str(uuid.uuid4()), **(headers or {})}
        for name, value in {**given, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    @property
    def query(self) -> dict[str, str]:
        """The answer to the request of the URL."""
        return {
            name: values[-1] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }

    def _note(self, place: int | None = None) -> int:
        route = urlsplit(self.path).path
        asked = Asked(method=self.command, path=route, query=self.query, headers=self.headers, status=self.status)
        with self.doppler.lock:
            if place is None:
                self.doppler.asked.append(asked)
                return len(self.doppler.asked) - 1
            self.doppler.asked[place] = asked
            return place

    def _answer(self) -> None:
        headers: dict[str, str] = {}
        try:
            token, actor = self._actor()
            headers = self.doppler.count(token)
            route = urlsplit(self.path).path
            if route == "/v3/me":
                return self.send(200, document(me(token, actor)), headers)
            status, body, more = ROUTES.get(route, nothing)(self, self._place(actor))
            self.send(status, body, {**headers, **more})
        except RefusedError as refusal:
            body = document({"messages": [*refusal.messages], "success": False})
            self.send(refusal.status, body, {**headers, **refusal.headers})

    def _actor(self) -> tuple[str, Actor]:
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = base64.b64decode(given).decode().partition(":")[0]
        if not given:
            raise RefusedError(401, "Auth token missing")
        if given not in self.doppler.actors:
            raise RefusedError(401, "Invalid Auth token")
        return given, self.doppler.actors[given]

    def _place(self, actor: Actor) -> Place:
        """The requested config, if the actor may read it."""
        project, config = self.query.get("project", ""), self.query.get("config", "")
        if actor.home is not None and not (project or config):
            return actor.home
        for name, value in (("project", project), ("config", config)):
            if not value:
                raise RefusedError(400, f"Missing required param: {name}")
        place = project, config
        if project not in {name for name, _ in self.doppler.configs}:
            raise RefusedError(404, f"Could not find requested project '{project}'")
        if place not in self.doppler.configs:
            raise RefusedError(404, f"Could not find requested config '{config}'")
        if place != actor.home and place not in actor.reach:
            raise RefusedError(403, "This token does not have access to requested config")
        return place


def document(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def me(token: str, actor: Actor) -> dict[str, object]:
    """The answer of `/v3/me` for a token."""
    return {
        "workplace": {"name": "Cafe", "slug": "cafe-workplace"},
        "type": actor.kind,
        "token_preview": f"{token[:9]}...{token[-4:]}",
        "slug": "0a1b2c3d",
        "created_at": "2026-01-01T00:00:00.000Z",
        "name": actor.name,
        "last_seen_at": "2026-01-02T00:00:00.000Z",
    }


def everything(handler: Handler, place: Place) -> dict[str, str | None]:
    """The secrets of a config, with those that Doppler adds. If the request has names, only these."""
    project, config = place
    own = {"DOPPLER_PROJECT": project, "DOPPLER_CONFIG": config, "DOPPLER_ENVIRONMENT": config.partition("_")[0]}
    managed = handler.query.get("include_managed_secrets", "true").lower() != "false"
    found = {**handler.doppler.configs[place], **(own if managed else {})}
    asked = handler.query.get("secrets")
    wanted = found.keys() if asked is None else {*asked.split(",")}
    return {name: value for name, value in found.items() if name in wanted}


def listed(handler: Handler, place: Place) -> Answer:
    secrets = {name: described(value) for name, value in everything(handler, place).items()}
    return 200, document({"secrets": secrets, "success": True}), {}


def described(value: str | None) -> dict[str, object]:
    visibility = "restricted" if value is None else "masked"
    kind = {"type": "string"}
    return {
        "raw": value,
        "computed": value,
        "note": "",
        "rawVisibility": visibility,
        "computedVisibility": visibility,
        "rawValueType": kind,
        "computedValueType": kind,
    }


def one(handler: Handler, place: Place) -> Answer:
    name = handler.query.get("name", "")
    if name not in handler.doppler.configs[place]:
        raise RefusedError(404, f"Could not find requested secret: {name}")
    value = handler.doppler.configs[place][name]
    return 200, document({"name": name, "value": {"raw": value, "computed": value, "note": ""}, "success": True}), {}


def names(handler: Handler, place: Place) -> Answer:
    return 200, document({"names": sorted(everything(handler, place)), "success": True}), {}


def download(handler: Handler, place: Place) -> Answer:
    if handler.query.get("format", "json") != "json":
        raise RefusedError(400, "This server speaks JSON only")
    body = document({name: value or "" for name, value in everything(handler, place).items()})
    etag = f'"{uuid.uuid5(uuid.NAMESPACE_URL, body.decode()).hex}"'
    if handler.headers.get("if-none-match") == etag:
        return 304, b"", {"etag": etag}
    return 200, body, {"etag": etag}


def nothing(_: Handler, __: Place) -> Answer:
    raise RefusedError(404, "Not found")


ROUTES: dict[str, Callable[[Handler, Place], Answer]] = {
    f"{CONFIG}/secrets": listed,
    f"{CONFIG}/secret": one,
    f"{CONFIG}/secrets/names": names,
    f"{CONFIG}/secrets/download": download,
}


@contextmanager
def serving(doppler: Doppler, context: ssl.SSLContext | None = None) -> Iterator[Doppler]:
    """The service on a port of loopback, until the block is left; with a context it speaks TLS."""
    handler = type("Bound", (Handler,), {"doppler": doppler})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who goes away is no news
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    doppler.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield doppler
    finally:
        doppler.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
