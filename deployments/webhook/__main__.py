"""`python -m deployments.webhook`: reads the settings, opens the socket, and serves until a signal arrives."""

import argparse
import asyncio
import logging
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from prefect.settings import PREFECT_API_URL

from deployments.webhook.app import WebhookService, make_app
from deployments.webhook.body import Bodies
from deployments.webhook.connections import Connections, room
from deployments.webhook.decision import Wanted
from deployments.webhook.dispatch import HEAD_SECONDS, Dispatcher
from deployments.webhook.inbox import Inbox
from deployments.webhook.metrics import Metrics
from deployments.webhook.protocol import ImpatientProtocol
from deployments.webhook.reasons import reason_of
from deployments.webhook.runs import connected
from deployments.webhook.settings import WebhookSettings, load
from flows.commits.status import github_token
from tasks.errors import PredeployError, UsageError
from tasks.github.settings import GitHubSettings
from tasks.hardening import close_memory, hide
from tasks.locks import open_lock_file, try_lock
from tasks.source.fetch import Remote, head_of

SECRETS = ("PREDEPLOY_WEBHOOK_SECRET", "PREDEPLOY_GITHUB_TOKEN")
"""Variables that leave the environment of the process once they are read. Its children do not need them."""


def main() -> int:
    """Serves. Returns the exit code."""
    argparse.ArgumentParser(
        prog="predeploy webhook",
        description="Serve GitHub's webhook: each push starts a run of a deployment.",
        epilog="The settings are the variables PREDEPLOY_WEBHOOK_*, such as PREDEPLOY_WEBHOOK_SECRET.",
    ).parse_args()
    log_to_stderr()
    try:
        settings, github = load()
        close_memory()
        hide(SECRETS)
        if not PREFECT_API_URL.value():
            raise UsageError("PREFECT_API_URL: is not set. Set it to the Prefect server that has the deployments.")
        with held(settings.data / "lock"), open_inbox(settings.data / "deliveries.db") as inbox:
            serve(settings, github, inbox)
    except PredeployError as error:
        print(f"the webhook service did not start:\n{error}", file=sys.stderr)  # noqa: T201 - a command-line error
        return error.exit_code
    return 0


def open_inbox(path: Path) -> Inbox:
    """Opens the deliveries. Raises UsageError if the directory cannot keep any."""
    try:
        return Inbox(path)
    except (sqlite3.Error, OSError) as error:
        text = f"PREDEPLOY_WEBHOOK_DATA: {path.parent} cannot store deliveries ({reason_of(error)})"
        raise UsageError(f"{text}. Free space there, make it writable, or choose another directory.") from error


def serve(settings: WebhookSettings, github: GitHubSettings, inbox: Inbox) -> None:
    """Runs the service until a signal arrives."""
    listener = listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    metrics = Metrics()
    dispatcher = Dispatcher(
        inbox=inbox,
        metrics=metrics,
        connect=lambda: connected(settings.deployment, github.server_url),
        head_of=lambda wanted: head_on(github, wanted),
    )
    service = WebhookService(
        secret=settings.secret.get_secret_value().encode(),
        rules=settings.rules,
        bodies=Bodies(settings.body_limit),
        inbox=inbox,
        dispatcher=dispatcher,
        metrics=metrics,
        public_url=settings.public_url or f"http://{settings.host}:{port}",
    )
    config = uvicorn.Config(
        make_app(service),
        http=ImpatientProtocol,
        access_log=False,
        log_config=None,
        # the address of a connection is that of its other end: any sender can write the header
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    ImpatientProtocol.room = Connections(clock=time.monotonic, most=room())
    logging.getLogger("predeploy.webhook").info("listening at http://%s:%d/github", settings.host, port)
    uvicorn.Server(config).run(sockets=[listener])


def log_to_stderr() -> None:
    """Logs predeploy and uvicorn to stderr. Prefect configured all other loggers on import."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("predeploy", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(logging.INFO)


def listen(host: str, port: int) -> socket.socket:
    """Returns the listening socket. Raises UsageError if the port is not available."""
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        text = f"PREDEPLOY_WEBHOOK_PORT: cannot listen at {host}:{port} ({error.strerror}). Choose another port."
        raise UsageError(text) from error


async def head_on(github: GitHubSettings, wanted: Wanted) -> str | None:
    """Returns the commit of a ref on the server, or None if there is no such ref."""
    url = f"{github.server_url}/{wanted.repository}.git"
    remote = Remote(repository=url, server=github.server_url, token=await github_token(github))
    return await asyncio.to_thread(head_of, remote, wanted.ref, seconds=HEAD_SECONDS)


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Holds a lock, so that no second service uses the same deliveries. Raises UsageError if another one holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = open_lock_file(lock)
    try:
        is_free = False
        with suppress(OSError):  # a file system without locks cannot keep two services apart
            is_free = try_lock(descriptor)
        if not is_free:
            text = f"PREDEPLOY_WEBHOOK_DATA: another service keeps its deliveries in {lock.parent}"
            raise UsageError(f"{text}. Stop that service, or choose another directory.")
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    raise SystemExit(main())
