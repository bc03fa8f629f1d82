"""The running service: the socket, the dispatcher and the server. Prefect and FastAPI take two seconds to import."""

import asyncio
import logging
import socket
import time

import uvicorn

from deployments.webhook.app import WebhookService, make_app
from deployments.webhook.body import Bodies
from deployments.webhook.connections import Connections, room
from deployments.webhook.decision import Wanted
from deployments.webhook.dispatch import HEAD_SECONDS, Dispatcher
from deployments.webhook.inbox import Inbox
from deployments.webhook.log import log_to_stderr
from deployments.webhook.metrics import Metrics
from deployments.webhook.protocol import ImpatientProtocol
from deployments.webhook.runs import connected
from deployments.webhook.settings import WebhookSettings
from flows.commits.status import github_token
from tasks.errors import UsageError
from tasks.github.settings import GitHubSettings
from tasks.source.fetch import Remote, head_of


def serve(settings: WebhookSettings, github: GitHubSettings, inbox: Inbox) -> None:
    """Runs the service until a signal arrives."""
    log_to_stderr()  # Prefect has configured all loggers when it was imported
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
