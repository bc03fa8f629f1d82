"""A fake of GitHub's API for commit statuses, on loopback. It records statuses, and refuses on demand."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Refusal = tuple[int, Mapping[str, str], str]


@dataclass(kw_only=True)
class FakeGitHub:
    """The fake. Each request consumes one of `refusals`; without one it is recorded."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def statuses(self, repository: str, commit: str) -> list[dict[str, Any]]:
        """Returns the statuses of a commit, in order."""
        path = f"/repos/{repository}/statuses/{commit}"
        return [body for asked, _, body in self.requests if asked == path]

    def states(self, repository: str, commit: str) -> list[str]:
        """Returns the states of a commit, in order."""
        return [status["state"] for status in self.statuses(repository, commit)]


@contextlib.contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """Serves during the block."""
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if github.refusals:
                self.answer(*github.refusals.pop(0))
                return
            github.requests.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))
            self.answer(201, {}, "{}")

        def do_GET(self) -> None:
            self.answer(200, {}, "{}")

        def answer(self, status: int, headers: Mapping[str, str], text: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
