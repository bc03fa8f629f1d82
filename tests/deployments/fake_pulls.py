"""A fake of GitHub's API for comments on pull requests, on loopback."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class FakePulls:
    """Pull requests by commit, and the comments of each. `foreign` are ids of comments that the token may not edit."""

    url: str = ""
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    foreign: set[int] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def bodies(self, number: int) -> list[str]:
        """The comments of a pull request."""
        return [each["body"] for each in self.comments.get(number, [])]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if found := re.fullmatch(r"/repos/acme/cafe/commits/(\w+)/pulls", path):
            return 200, self.pulls.get(found[1], [])
        if found := re.fullmatch(r"/repos/acme/cafe/issues/comments/(\d+)", path):
            comment = next(each for some in self.comments.values() for each in some if each["id"] == int(found[1]))
            if comment["id"] in self.foreign:
                return 403, {"message": "not yours"}
            comment["body"] = body["body"]
            return 200, comment
        if found := re.fullmatch(r"/repos/acme/cafe/issues/(\d+)/comments(?:\?per_page=100&page=(\d+))?", path):
            known = self.comments.setdefault(int(found[1]), [])
            if method == "GET":
                return 200, known[(int(found[2]) - 1) * 100 : int(found[2]) * 100]
            known.append({"id": 1000 + sum(map(len, self.comments.values())), "body": body["body"]})
            return 201, known[-1]
        return 404, {"message": "Not Found"}


@contextlib.contextmanager
def fake_pulls() -> Iterator[FakePulls]:
    """Serves during the block."""
    fake = FakePulls()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            fake.tokens.add(self.headers.get("Authorization", ""))
            status, document = fake.answer(self.command, self.path, body)
            text = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
