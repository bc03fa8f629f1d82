"""Runs the webhook service as a process, with a client for deliveries."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.deployments.events import SECRET, encoded, headers
from tests.flows.harness import ROOT, wait_until

NOWHERE = "http://127.0.0.1:9/api"


@dataclass(kw_only=True)
class Service:
    """A running service. `data` survives it."""

    data: Path
    process: subprocess.Popen[bytes]
    url: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def deliver(self, event: Any, name: str = "push", **over: str | None) -> httpx.Response:
        """Delivers an event as GitHub does."""
        body = encoded(event)
        return self.client.post(f"{self.url}/github", content=body, headers=headers(body, name, **over))

    def get(self, path: str) -> httpx.Response:
        """Sends a GET request."""
        return self.client.get(f"{self.url}{path}")

    def kill(self) -> None:
        """Kills the service with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def rows(self) -> list[dict[str, Any]]:
        """Returns the stored deliveries."""
        with contextlib.closing(sqlite3.connect(self.data / "deliveries.db", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM delivery ORDER BY number")]

    @property
    def memory(self) -> int:
        """The peak of its resident memory, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def environment(home: Path, **more: str) -> dict[str, str]:
    """Returns an environment that has only PATH from the tests' own."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **more,
    }


@contextlib.contextmanager
def serving(data: Path, home: Path, **settings: str) -> Iterator[Service]:
    """Runs a service during the block."""
    given = {"PREFECT_API_URL": NOWHERE, "PREDEPLOY_WEBHOOK_SECRET": SECRET, "PREDEPLOY_WEBHOOK_PORT": "0"}
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.webhook"],
            cwd=home,
            env=environment(home, **{**given, "PREDEPLOY_WEBHOOK_DATA": str(data), **settings}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: b"listening at" in log.read_bytes() or process.poll() is not None, limit=60)
        said = log.read_text()
        assert process.poll() is None, said
        url = said.partition("listening at ")[2].split("/github")[0]
        service = Service(data=data, process=process, url=url)
        wait_until(lambda: answers(service), limit=60)
        yield service
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def answers(service: Service) -> bool:
    """Whether the service answers."""
    try:
        return service.get("/healthz").is_success
    except httpx.HTTPError:
        return False


def run_service(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a service that is expected to exit by itself."""
    return subprocess.run(
        [sys.executable, "-m", "deployments.webhook"],
        cwd=home,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_of(mapping: Mapping[str, str]) -> dict[str, str]:
    """Returns environment variables for settings by their short names."""
    return {f"PREDEPLOY_WEBHOOK_{name.upper()}": value for name, value in mapping.items()}
