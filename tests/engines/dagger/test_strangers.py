"""For untrusted code, Dagger's command line gets no credentials of its user."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.engines.dagger.session import EngineRefusedError, open_session
from tasks.redaction.redactor import NOTHING
from tasks.trust import trust_of
from tests.engines.dagger.fake_session import FakeSession, session_line, write_cli
from tests.support.benches import GIVEN, Bench, unreachable

KEYCHAIN = """#!/bin/sh
echo '{"ServerURL": "any", "Username": "keychain", "Secret": "0123"}'
"""
VARIABLES = ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "SSH_AUTH_SOCK", "GIT_ASKPASS", "SSH_ASKPASS")


class Registry(BaseHTTPRequestHandler):
    """A registry that asks every client for credentials, and has no image."""

    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        if said:
            self.server.callers.append(base64.b64decode(said.removeprefix("Basic ")).decode())  # type: ignore[attr-defined]
        self.send_response(404 if said else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def registry() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.callers = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: ThreadingHTTPServer) -> Path:
    """An operator's registry credentials, in Docker's configuration and in a keychain."""
    place, host = tmp_path / "docker", f"127.0.0.1:{registry.server_port}"
    place.mkdir()
    auth = base64.b64encode(b"operator:0123").decode()
    (place / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    (place / "docker-credential-secretservice").write_text(KEYCHAIN)
    (place / "docker-credential-secretservice").chmod(0o755)
    monkeypatch.setenv("DOCKER_CONFIG", str(place))
    monkeypatch.setenv("PATH", str(place), prepend=":")
    for name in VARIABLES:
        monkeypatch.setenv(name, "canary")
    return place


def configuration(place: str) -> dict[str, object]:
    return {path.name: json.loads(path.read_text()) for path in Path(place).iterdir()}


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_command_line_gets_credentials_only_for_trusted_code(
    fake: FakeSession, tmp_path: Path, credentials: Path, is_trusted: bool
) -> None:
    found = tmp_path / "found.json"
    script = f"json.dump(dict(os.environ), open({str(found)!r}, 'w'))\n{session_line(fake)}\nsys.stdin.read()"

    before = dict(os.environ)

    session = await open_session(
        write_cli(tmp_path / "dagger", script), tmp_path / "dagger.log", NOTHING, limit=30, trust=trust_of(is_trusted)
    )
    await session.close()

    variables = json.loads(found.read_text())
    assert dict(os.environ) == before
    assert ("canary" in variables.values()) == is_trusted
    assert (variables["DOCKER_CONFIG"] == str(credentials)) == is_trusted
    if not is_trusted:
        assert configuration(variables["DOCKER_CONFIG"]) == {"config.json": {"auths": {"nobody.invalid": {}}}}


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_engine_starts_its_command_line_with_the_trust_of_the_run(
    fake: FakeSession, bench: Bench, credentials: Path, is_trusted: bool
) -> None:
    found = bench.base / "found.json"
    script = f"json.dump(dict(os.environ), open({str(found)!r}, 'w'))\n{session_line(fake)}\nsys.stdin.read()"
    environ = write_cli(bench.base / "dagger", script)

    async with bench.engine(environ=environ, trust=trust_of(is_trusted)):
        variables = json.loads(found.read_text())

    assert (variables["DOCKER_CONFIG"] == str(credentials)) == is_trusted


@pytest.mark.real
@pytest.mark.skipif(bool(unreachable()), reason=unreachable())
@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(("is_trusted", "callers"), [(True, {"operator:0123"}), (False, set())])
async def test_images_are_pulled_with_credentials_only_for_trusted_code(
    registry: ThreadingHTTPServer, tmp_path: Path, is_trusted: bool, callers: set[str]
) -> None:
    environ = {**os.environ, **GIVEN}
    session = await open_session(environ, tmp_path / "dagger.log", NOTHING, limit=60, trust=trust_of(is_trusted))
    image = f"127.0.0.1:{registry.server_port}/acme/private:{os.urandom(4).hex()}"
    try:
        context = session.client.directory().with_new_file("Dockerfile", f"FROM {image}\n")
        with pytest.raises(EngineRefusedError):
            await session.ask(context.docker_build().stdout())
    finally:
        await session.close()

    assert set(registry.callers) == callers  # type: ignore[attr-defined]
