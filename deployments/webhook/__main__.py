"""`python -m deployments.webhook`: reads the settings, opens the deliveries, and serves until a signal arrives."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deployments.webhook.inbox import Inbox
from deployments.webhook.log import log_to_stderr
from deployments.webhook.reasons import reason_of
from deployments.webhook.settings import load
from tasks.errors import PredeployError, UsageError
from tasks.hardening import close_memory, hide
from tasks.locks import open_lock_file, try_lock

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
        if not has_server():
            raise UsageError("PREFECT_API_URL: is not set. Set it to the Prefect server that has the deployments.")
        with held(settings.data / "lock"), open_inbox(settings.data / "deliveries.db") as inbox:
            from deployments.webhook.serving import serve

            serve(settings, github, inbox)
    except PredeployError as error:
        print(f"the webhook service did not start:\n{error}", file=sys.stderr)  # noqa: T201 - a command-line error
        return error.exit_code
    return 0


def has_server() -> bool:
    """Whether a variable or a profile of Prefect names the Prefect server."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


def open_inbox(path: Path) -> Inbox:
    """Opens the deliveries. Raises UsageError if the directory cannot keep any."""
    try:
        return Inbox(path)
    except (sqlite3.Error, OSError) as error:
        text = f"PREDEPLOY_WEBHOOK_DATA: {path.parent} cannot store deliveries ({reason_of(error)})"
        raise UsageError(f"{text}. Free space there, make it writable, or choose another directory.") from error


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
