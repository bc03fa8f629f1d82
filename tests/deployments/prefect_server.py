"""Prefect's own server with all that it does by itself, on SQLite that waits for its turn instead of failing.

usage: python -m tests.deployments.prefect_server PORT
"""

import sys

import uvicorn
from prefect.server.api.server import create_app

from tasks.prefect_server.serve import begin_immediately


def main() -> None:
    """Serve until a signal comes."""
    begin_immediately()
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
