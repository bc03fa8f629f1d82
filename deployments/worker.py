"""Prefect's worker for a work pool, by default `local`. It polls for work twice a second.

usage: python -m deployments.worker [POOL] [flags of `prefect worker start`]
"""

import os
import runpy
import sys
from collections.abc import Sequence

from tasks.hardening import TOKEN_VARIABLE, take_token_and_close_memory

POOL = "local"
QUERY_SECONDS = "PREFECT_WORKER_QUERY_SECONDS"


def main(arguments: Sequence[str]) -> None:
    """Runs Prefect's worker in this process. Prefect reads its settings on import, so they are set before."""
    os.environ.setdefault(QUERY_SECONDS, "0.5")
    if (token := take_token_and_close_memory()) is not None:
        os.environ[TOKEN_VARIABLE] = token.strip()  # runs inherit it: only the variable reaches them, no open file does
    sys.argv = ["prefect", "worker", "start", *arguments_for_prefect(arguments)]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


def arguments_for_prefect(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments for Prefect. A first argument without a dash is the name of the pool."""
    if arguments and not arguments[0].startswith("-"):
        return ["--pool", *arguments]
    return [*([] if {"--help", "--pool", "-p"} & {*arguments} else ["--pool", POOL]), *arguments]


if __name__ == "__main__":
    main(sys.argv[1:])
