"""The process around the command line: it ends with a verdict's last line and exit code in every case.

Until signals are caught, only `flows/cli/signals.py` is imported, which needs nothing but Python.
"""

import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
from typing import NoReturn

from flows.cli.signals import catch_signals, end_bare, leave
from flows.cli.start_time import started

ROOT = Path(__file__).resolve().parents[2]
YOUNG = 20_000
"""New objects after which the collector runs. With its default of 700, it takes an eighth of the time of a big plan."""
ADDRESS_SPACE = 512 << 20
"""The bytes of address space without which a run may never end."""


def enter(load_flow: Callable[[], object]) -> NoReturn:
    """Runs the command line, and ends the process at once: no thread that waits for a dead server delays the end.

    `load_flow` imports the flow that records a run. The recorder's thread calls it.
    """
    catch_signals()
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # None, where the process has none
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with without_collector():
            from tasks.hardening import take_token_and_close_memory
            from tasks.report.parts import begin_parts, part

            begin_parts(started())
            token = take_token_and_close_memory()
            answer_without_a_stack()
            with part("receipt"):
                answer_from_receipt(has_token=token is not None)
            require_address_space()
            with part("imports"):
                from flows.cli.witness import post_witness

                post_witness()
                from flows.cli.main import main

        code = main(token=token, load_flow=load_flow)
    except BaseException as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        reason = f"an internal error of predeploy: {type(error).__name__}: {error}. It is no verdict on the stack."
        end_bare("errored", 3, reason + ("" if "--debug" in sys.argv else " Details: --debug"))
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    leave()
    os._exit(code)


def answer_without_a_stack() -> None:
    """Ends the process if a shell asks for the words that may follow, or the caller for help or versions."""
    if "_ARGCOMPLETE" in os.environ:
        from flows.cli.actions.completion import complete

        complete(os.environ)
    from flows.cli.information import inform

    if text := inform(sys.argv[1:], os.environ):
        end_with(0, text)


def answer_from_receipt(*, has_token: bool) -> None:
    """Ends the process with the answer of a receipt, if there is one."""
    from flows.cli.receipt.answer import answer

    try:
        found = answer(sys.argv[1:], os.environ, has_token=has_token)
    except Exception:  # a receipt only saves time: the command runs
        return
    if found is None:
        return
    if found.document:
        write_to(2, found.people)
        end_with(found.code, found.document.rstrip("\n"))
    end_with(found.code, found.people)


def require_address_space() -> None:
    """Ends the process if its limit of memory is too low for a run.

    CPython waits without end for a thread that had no memory for its first step, and no signal ends that wait.
    """
    limit = getrlimit(RLIMIT_AS)[0]
    if limit != RLIM_INFINITY and limit < ADDRESS_SPACE:
        needed, allowed = ADDRESS_SPACE >> 20, limit >> 20
        reason = f"a run needs {needed} MB of address space, and ulimit -v allows {allowed} MB. Raise the limit."
        end_bare("errored", 3, f"{reason} It is no verdict on the stack.")


def end_with(code: int, text: str) -> NoReturn:
    """Prints the text, and ends the process."""
    write_to(1, text)
    os._exit(code)


def write_to(descriptor: int, text: str) -> None:
    """Writes the whole text. A closed stream is no error."""
    stream = sys.stdout if descriptor == 1 else sys.stderr
    if stream is not None:
        with suppress(OSError, ValueError):
            print(text, file=stream, flush=True)


@contextmanager
def without_collector() -> Iterator[None]:
    """For imports: the garbage collector takes up to a fifth of their time, and almost nothing of them is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG, 10, 10)
        gc.enable()
