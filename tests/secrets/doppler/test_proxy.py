"""A proxy between predeploy and Doppler: certificates that this machine trusts are valid through it."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tasks.secrets.doppler.transport import SystemTrust
from tests.secrets.doppler.authority import make_certificate
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that connects any client, and forwards data until one side closes the connection."""

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as upstream:
            self.send_response(200)
            self.end_headers()
            others = {self.connection: upstream, upstream: self.connection}
            while ready := select.select([*others], [], [], 5)[0]:
                for each in ready:
                    if not (data := each.recv(1 << 16)):
                        return
                    others[each].sendall(data)

    def log_message(self, *_: object) -> None:
        """Writes no log."""


@contextmanager
def proxy() -> Iterator[str]:
    """The URL of a proxy on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_certificate_trusted_by_the_machine_is_valid_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with serving(Doppler(), context) as doppler, proxy() as through, requests.Session() as session:
        session.trust_env = False
        session.mount("https://", SystemTrust())
        session.proxies = {"https": through}

        answer = session.get(f"{doppler.url}/v3/configs/config/secrets", timeout=5)

    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"].startswith("application/json")
