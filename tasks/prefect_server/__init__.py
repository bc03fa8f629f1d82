"""Our own Prefect server: a warm one is found, otherwise one is started; a temporary one is stopped.

Nothing here imports Prefect, and only `serve` runs in the server's process: looking for a server costs milliseconds.
"""

from tasks.prefect_server.client import client_environment, server_environment
from tasks.prefect_server.handle import Phase, ServerHandle, answers, is_asleep, phase, used_seconds
from tasks.prefect_server.start import end_hung, ensure_server, stop_server

__all__ = [
    "Phase",
    "ServerHandle",
    "answers",
    "client_environment",
    "end_hung",
    "ensure_server",
    "is_asleep",
    "phase",
    "server_environment",
    "stop_server",
    "used_seconds",
]
