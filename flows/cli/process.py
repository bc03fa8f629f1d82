"""The process around the command line: however it goes, it ends with a verdict's last line and exit code.

Nothing of ours is imported before signals are caught, and nothing that ends the process here needs more than Python.
"""

import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
EMPTY_REPORT = ROOT / "tasks/report/empty.json"
"""The document of a report without checks. `tasks/report/document.py` defines it, and a test compares the two."""
STOPPING = {
    signal.SIGINT: ("interrupted", 130),
    signal.SIGTERM: ("terminated", 143),
    signal.SIGHUP: ("terminated", 143),
}
"""What asks a run to end, the word for it, and the exit code."""
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
"""The words that pydantic accepts as true in PREDEPLOY_JSON_OUTPUT. A test compares the two."""
BARE_LINE = "checks=0 failed=0 errored=0 skipped=0 cached=0 seconds=0.0 engine=- report=-"


def enter() -> NoReturn:
    """Runs the command line, and ends the process at once: whoever still waits on a dead server is left behind."""
    catch_signals()
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # None, where the process has none
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        from tasks.hardening import take_token_and_close_memory

        token = take_token_and_close_memory()
        from flows.cli.main import main

        code = main(token=token)
    except BaseException as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        reason = f"a mistake of predeploy's own: {type(error).__name__}: {error}. It is no verdict on the stack."
        end_bare("errored", 3, reason + ("" if "--debug" in sys.argv else " Details: --debug"))
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code)


def catch_signals() -> None:
    """What the caller ignores (nohup, a shell's background jobs) stays ignored."""
    for number in handled_signals():
        signal.signal(number, end_by_signal)


def handled_signals() -> list[signal.Signals]:
    """The signals that end a run, without those that the caller has this process ignore."""
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def end_by_signal(number: int, _: FrameType | None = None) -> NoReturn:
    """A handler for as long as nothing has been begun."""
    word, code = STOPPING[signal.Signals(number)]
    end_bare("interrupted", code, f"{word} by {signal.Signals(number).name}")


def is_json_wanted(arguments: list[str], variable: str) -> bool:
    """Whether stdout belongs to the document, as far as can be told before the settings are read."""
    return "--json-output" in arguments or variable.strip().lower() in TRUE


def end_bare(outcome: str, exit_code: int, reason: str) -> NoReturn:
    """Ends the process at once, with nothing but the reason, the last line, and the document where it is wanted."""
    line = f"PREDEPLOY {outcome.upper()} exit={exit_code} {BARE_LINE}\n"
    document = json.dumps(bare_document(outcome, exit_code, reason), indent=2) + "\n"
    wanted = is_json_wanted(sys.argv[1:], os.environ.get("PREDEPLOY_JSON_OUTPUT", ""))
    told = f"predeploy: {reason}\n"
    for descriptor, text in ((2, told), *(((1, document), (2, line)) if wanted else ((1, line),))):
        with suppress(OSError):
            os.write(descriptor, text.encode("ascii", "backslashreplace"))
    os._exit(exit_code)


def bare_document(outcome: str, exit_code: int, reason: str) -> dict[str, Any]:
    """The report without checks. It is read as data, because the modules that write reports may fail to import."""
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        document = json.loads(EMPTY_REPORT.read_bytes())
    started_at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return document | {"result": outcome, "exit_code": exit_code, "reason": reason, "started_at": started_at}
