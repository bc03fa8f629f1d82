"""Imports what a run needs before it, so that the forks of one process start without these imports."""

import gc
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.cli.invocation import enter_neutral_directory

MODULES = (
    "flows.cli.receipt.write",
    "flows.cli.session",
    "flows.distribution.opening",
    "flows.recording.recorder",
    "flows.recording.settle",
    "prefect.client.orchestration",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "tasks.report.formats.gitlab",
    "tasks.report.formats.junit",
    "tasks.report.formats.page",
    "tasks.report.formats.sarif",
    "tasks.report.formats.sources",
    "tasks.report.formats.trace",
)
"""The modules that a run imports when it needs them, besides the flow."""


def import_for_runs(load_flow: Callable[[], Any], cache: Path) -> Callable[[], Any]:
    """Imports Prefect, the flow and all else that runs need. Returns what loads the flow in a fork.

    Prefect reads its settings when it is imported. Here it reads none of the user's, and each fork reads them again.
    """
    with _neutral_place(cache):
        load_flow()
        for name in MODULES:
            importlib.import_module(name)
    gc.freeze()  # a collection in a fork would copy the pages of all these modules

    def load_with_new_settings() -> Any:
        from prefect.context import refresh_global_settings_context
        from prefect.logging.configuration import setup_logging

        refresh_global_settings_context()
        setup_logging(incremental=False)
        return load_flow()

    return load_with_new_settings


@contextmanager
def _neutral_place(cache: Path) -> Iterator[None]:
    """An empty current directory as Prefect's home, and no variables of Prefect. Both are restored."""
    environ, here = dict(os.environ), os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        enter_neutral_directory(cache)
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            del os.environ[name]
        os.environ["PREFECT_HOME"] = str(Path.cwd())
        yield
    finally:
        os.fchdir(here)
        os.close(here)
        os.environ.clear()
        os.environ.update(environ)
