"""Prefect's worker for a work pool, by default `local`. It polls for work twice a second.

usage: python -m deployments.worker [POOL] [flags of `prefect worker start`]
"""

import os
import runpy
import sys
from collections.abc import Sequence

from tasks.errors import PredeployError
from tasks.hardening import TOKEN_VARIABLE, take_token_and_close_memory

POOL = "local"
HELP = frozenset({"--help"})
QUERY_SECONDS = "PREFECT_WORKER_QUERY_SECONDS"


def main(arguments: Sequence[str]) -> None:
    """Runs Prefect's worker in this process. Prefect reads its settings on import, so they are set before."""
    os.environ.setdefault(QUERY_SECONDS, "0.5")
    if (token := take_token_and_close_memory()) is not None:
        os.environ[TOKEN_VARIABLE] = token.strip()  # runs inherit it: only the variable reaches them, no open file does
    if not HELP & {*arguments} and (code := refusal()):
        sys.exit(code)
    sys.argv = ["prefect", "worker", "start", *arguments_for_prefect(arguments)]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


def refusal() -> int:
    """Prints why Prefect's server cannot be used, in one line. Returns the exit code; 0 if the worker can start."""
    if not (url := os.environ.get("PREFECT_API_URL", "")):
        return 0  # a profile of Prefect names the server, or Prefect reports that none is named
    from deployments.server import require_answer  # noqa: PLC0415 - Prefect reads its settings when it is imported

    try:
        require_answer(url)
    except PredeployError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the operator
        return error.exit_code
    return 0


def arguments_for_prefect(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments for Prefect. A first argument without a dash is the name of the pool."""
    if arguments and not arguments[0].startswith("-"):
        return ["--pool", *arguments]
    return [*([] if {*HELP, "--pool", "-p"} & {*arguments} else ["--pool", POOL]), *arguments]


if __name__ == "__main__":
    main(sys.argv[1:])
