"""Prefect's own server with all its services, on SQLite with transactions that wait for a lock instead of failing.

usage: python -m tests.deployments.prefect_server PORT
"""

import sys

import uvicorn
from prefect.server.api.server import create_app

from tasks.prefect_server.serve import begin_immediately


def main() -> None:
    """Serves until a signal arrives."""
    begin_immediately()
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
