"""Finds, starts and stops predeploy's own Prefect server, which stays up between runs except under CI.

Only `serve`, which runs in the server's process, imports Prefect. So a search for a running server takes milliseconds.
"""

from tasks.prefect_server.client import client_environment, server_environment
from tasks.prefect_server.handle import Phase, ServerHandle, answers, phase
from tasks.prefect_server.start import ensure_server, stop_server

__all__ = [
    "Phase",
    "ServerHandle",
    "answers",
    "client_environment",
    "ensure_server",
    "phase",
    "server_environment",
    "stop_server",
]
