"""A small process that prints the last line of a run whose own process ends without one.

Native code may abort the process when memory runs out, and the system may kill it: then no code of it runs any more.
The witness waits for that on a pipe. It needs little but Python, because it is forked before the imports of a run.
"""

import os
import signal
from contextlib import suppress

from flows.cli.signals import STOPPING, end_bare, leaving
from tasks.hardening import hide

ENDED = b"."
READ_AT_THE_END = ("PREDEPLOY_JSON_OUTPUT",)
REASON = (
    "the process of the run was ended from outside, or by an error in native code. Too little memory is the usual "
    "cause (ulimit -v, a limit of the container). It is no verdict on the stack."
)


def post_witness() -> None:
    """Forks the witness. Without memory or processes for it, the run goes on without one."""
    reader = writer = -1
    # a signal during the fork reaches the run alone
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            _watch(reader)
        leaving.append(lambda: _dismiss(pid, writer))
        os.close(reader)
    except OSError:
        for descriptor in {reader, writer} - {-1}:
            os.close(descriptor)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _dismiss(pid: int, writer: int) -> None:
    """The run ends with a line of its own: the witness ends first, so that no process outlives the run."""
    with suppress(OSError):
        os.write(writer, ENDED)
        os.close(writer)
        os.waitpid(pid, 0)


def _watch(reader: int) -> None:
    """Waits for the end of the run, in a session of its own: what ends the run's processes may not end this one."""
    leaving.clear()
    try:
        # secrets may be among the variables, and this process shows them in /proc as long as it waits
        kept = {name: os.environ[name] for name in READ_AT_THE_END if name in os.environ}
        hide([*os.environ])
        os.environ.update(kept)
        for number in (*STOPPING, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        os.setsid()
        os.chdir("/")
        if os.read(reader, 1) != ENDED:
            with suppress(OSError):
                os.write(1, b"\n")  # the run may have ended within a line
            end_bare("errored", 3, REASON)
    finally:
        os._exit(0)
