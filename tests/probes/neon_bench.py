"""Runs outbound.py as a process, with a client for it and a Worker next to it, for its tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import outbound as program
import psycopg

from tests.probes.warm import PSYCOPG, warm_python
from tests.support.forked import ForkedProcess

WORKER = Path(__file__).parent / "neon" / "worker.mjs"
PASSWORD = "n0nce-f0r-th1s-run"
GIVEN = f"postgresql://predeploy:{PASSWORD}@ep-predeploy.neon.invalid/neondb?sslmode=require"
"""The connection string that the Worker was given."""
HOST = "api.neon.invalid"
LOG_HOST = "predeploy.invalid"
DRIVER = {"Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}
"""The headers that the driver always sends."""
CONFIG = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "out", external = (address = "127.0.0.1:%d", http = ())) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ] );
const worker :Workerd.Worker = (
  modules = [ (name = "worker.mjs", esModule = embed "worker.mjs"), (name = "neon.mjs", esModule = embed "neon.mjs") ],
  compatibilityDate = "2026-09-01", globalOutbound = "out",
  bindings = [ (name = "DATABASE_URL", fromEnvironment = "DATABASE_URL") ] );
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A service that runs. `log` is the file with its stdout and stderr."""

    port: int
    process: ForkedProcess
    log: Path

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, body: Any = None, *, url: str | None = GIVEN, method: str = "POST", **headers: str) -> Answer:
        """Sends one request to Neon's endpoint, or to the given `host` and `path`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        host, path = named.pop("host", HOST), named.pop("path", "/sql")
        account = {"Neon-Connection-String": url} if url else {}
        connection = self.connection()
        try:
            return send(connection, body, method=method, path=path, headers={"Host": host} | account | named)
        finally:
            connection.close()

    def query(self, query: str, *params: Any, **headers: str) -> Answer:
        """Sends one query, as the driver does."""
        return self.ask({"query": query, "params": params}, **(DRIVER | headers))

    def batch(self, *queries: str, **headers: str) -> Answer:
        return self.ask({"queries": [{"query": each, "params": []} for each in queries]}, **(DRIVER | headers))

    def read_log(self) -> list[dict[str, Any]]:
        """Returns the requests in the service's log."""
        answer = self.ask(url=None, method="GET", host=LOG_HOST, path="/predeploy/log")
        requests: list[dict[str, Any]] = answer.data["requests"]
        return requests

    @property
    def last(self) -> dict[str, Any]:
        return self.read_log()[-1]


def send(connection: HTTPConnection, body: Any, *, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, dict(headers))
    response = connection.getresponse()
    return Answer(status=response.status, headers=dict(response.headers), body=response.read())


@contextmanager
def outbound(folder: Path, database: str, given: str = GIVEN, **more: str) -> Iterator[Outbound]:
    """Starts the service as an engine does, ends it with SIGTERM, and expects exit code 0."""
    log = folder / "outbound.log"
    variables = {"PATH": os.environ["PATH"], "DATABASE_URL": database, "PREDEPLOY_NEON_URL": given, **more}
    words = [program.__file__, "--host", "127.0.0.1", "--port", "0"]
    server = partial(warm_python, (sys.executable,), PSYCOPG)
    with log.open("wb") as output:
        process = ForkedProcess(words, environ=variables, cwd=Path.cwd(), server=server, output=output)
    try:
        until(lambda: "\n" in log.read_text() or process.poll() is not None)
        yield Outbound(port=int(log.read_text().split()[2].rpartition(":")[2]), process=process, log=log)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=20)
    assert code == 0, log.read_text()


def until(condition: Callable[[], object]) -> None:
    """Waits at most half a minute until a condition is true."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("the condition was not true within half a minute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The Worker with the real driver, in real workerd. All its outbound requests go to `outbound`."""

    port: int
    outbound: Outbound

    def ask(self, job: str, **inputs: Any) -> dict[str, Any]:
        """Runs one of the Worker's jobs. Returns a `value` or an `error`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            said: dict[str, Any] = send(connection, {"job": job, **inputs}, method="POST", path="/", headers={}).data
        finally:
            connection.close()
        return said


@contextmanager
def workerd(folder: Path, binary: Path, driver: Path, service: Outbound, given: str = GIVEN) -> Iterator[Worker]:
    """Runs the Worker in workerd."""
    (folder / "worker.mjs").write_bytes(WORKER.read_bytes())
    (folder / "neon.mjs").write_bytes(driver.read_bytes())
    (folder / "config.capnp").write_text(CONFIG % service.port)
    command = [str(binary), "serve", "config.capnp", "--control-fd=1"]
    with (folder / "workerd.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env={"DATABASE_URL": given}, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout
        try:
            event = json.loads(process.stdout.readline() or b"{}")
            assert "port" in event, (folder / "workerd.log").read_text()
            yield Worker(port=event["port"], outbound=service)
        finally:
            process.terminate()
            process.wait(timeout=20)
            process.stdout.close()


def make_database(base: str, name: str, template: str = "template1") -> str:
    """Creates a database on the Postgres of the tests. Returns its URL."""
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return base.rpartition("/")[0] + f"/{name}"
