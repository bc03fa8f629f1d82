"""A process that has predeploy's command line imported, and forks itself for each call.

usage: python -m tests.support.fork_server [--prefect] DESCRIPTOR

DESCRIPTOR is the socket of `forking.serve`. The arguments of a call begin with a name in PROGRAMS. With `--prefect` the
process has Prefect imported, too: each call reads Prefect's settings again.
"""

import importlib
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from flows.cli import start_time
from flows.cli.process import ROOT, enter, without_collector
from tests.support.forking import Call, serve

IMPORTED = (
    "flows.cli.help",
    "flows.cli.information",
    "flows.cli.main",
    "flows.cli.session",
    "flows.cli.status",
    "flows.cli.ui",
    "flows.distribution.opening",
    "flows.recording.recorder",
    "tasks.doctor.examine",
    "tasks.report.formats.gitlab",
    "tasks.report.formats.junit",
    "tasks.report.formats.page",
    "tasks.report.formats.sarif",
    "tasks.report.formats.sources",
    "tasks.secrets.doppler.provider",
    "tasks.secrets.doppler.snapshot",
)
"""The modules that most calls need. Prefect is not among them: tests replace it, and it reads the environment."""
WITH_PREFECT = (
    *("deployments.deploy", "deployments.worker", "flows.predeploy", "flows.recording.settle"),
    *("prefect.client.orchestration", "tests.flows.recorder_process"),
)


def read_settings_again() -> None:
    """Gives Prefect, if it is imported, the settings that the environment has now, as its import would."""
    if context := sys.modules.get("prefect.context"):
        context.refresh_global_settings_context()
        sys.modules["prefect.logging.configuration"].setup_logging(incremental=False)


def load_flow() -> Any:
    """As in `flows/predeploy.py`."""
    read_settings_again()
    from prefect.logging.configuration import setup_logging

    setup_logging(incremental=False)  # by the settings of this call
    from flows.predeploy import predeploy

    return predeploy


def record() -> None:
    from tests.flows.recorder_process import main as record_runs

    record_runs(load_flow)


def deploy() -> int:
    from deployments.deploy import main as deploy

    read_settings_again()
    return deploy()


def work() -> None:
    from deployments.worker import main as work

    read_settings_again()
    work(sys.argv[1:])


PROGRAMS: Mapping[str, tuple[str, Callable[[], int | None]]] = {
    "predeploy": ("flows/predeploy.py", lambda: enter(load_flow)),
    "recorder": ("tests/flows/recorder_process.py", record),
    "deploy": ("deployments/deploy.py", deploy),
    "worker": ("deployments/worker.py", work),
}
"""Path and main function of each program. The function returns the exit code, if it does not end the process."""


def run(call: Call) -> NoReturn:
    """Runs a program as a new interpreter would."""
    name, *arguments = call["arguments"]
    path, start = PROGRAMS[name]
    sys.path[:] = [*os.environ["PYTHONPATH"].split(os.pathsep), *(path for path in sys.path if path != str(ROOT))]
    sys.argv[:] = [str(ROOT / path), *arguments]
    start_time.STARTED = time.monotonic()
    code: object = 70
    try:
        code = start()
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0)


def main() -> None:
    """Imports the command line, and serves."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    has_prefect = "--prefect" in sys.argv
    del sys.path[0]  # the current directory
    with without_collector():  # so that it does not copy the pages of these modules in each forked process
        for name in (*IMPORTED, *(WITH_PREFECT if has_prefect else ())):
            importlib.import_module(name)
        sys.modules["tasks.report.formats.page"]._template()  # its compilation takes as long as a small run
    assert ("prefect" in sys.modules) is has_prefect
    assert threading.active_count() == 1, "a thread is not forked, and may hold a lock"
    if call := serve(control):
        run(call)


if __name__ == "__main__":
    main()
