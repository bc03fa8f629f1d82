"""Attacks by the machine: little memory, few descriptors, no directories, and processes that are killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.attacks.attack import Attack
from tests.cli.caller import LAST, NOWHERE, ROOT

LIMITS = ("-n 8", "-n 16", "-n 24", "-v 60000", "-v 120000", "-v 200000", "-v 260000", "-f 8")
PLACES = ("/dev/null", "/proc", "/nonexistent/\x1b", "relative", "")
VARIABLES = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")


def exhaustion_attacks(place: Path) -> Iterator[Attack]:
    """A run on a small stack, short of one thing: it ends with its last line."""
    stack, home = place / "small", place / "home"
    stack.mkdir()
    home.mkdir()
    (stack / "predeploy.toml").write_text('[[check]]\nname = "words"\nstage = "quality"\nrun = "true"\n')
    subprocess.run(["git", "init", "-q"], cwd=stack, check=True)
    for limit in LIMITS:
        command = f'ulimit {limit}; exec "$0" -P -m flows.predeploy "$1"'
        argv = ["bash", "-c", command, sys.executable, str(stack)]
        yield Attack(category="exhaustion", name=f"ulimit {limit}", survives=partial(ends, argv, home, {}))
    argv = [sys.executable, "-P", "-m", "flows.predeploy", str(stack)]
    for variable in VARIABLES:
        for value in PLACES:
            yield Attack(
                category="unusable directories",
                name=f"{variable}={value!r}",
                survives=partial(ends, argv, home, {variable: value}),
            )


def ends(argv: list[str], home: Path, variables: dict[str, str]) -> str | None:
    """Runs a command. Its last line must be a verdict that fits its exit code, without a traceback."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "PREFECT_API_URL": NOWHERE}
    done = subprocess.run(argv, env={**environ, **variables}, cwd=home, capture_output=True, text=True, check=False)
    last = LAST.fullmatch((done.stdout.splitlines() or [""])[-1])
    if last is None:
        return f"no last line: {done.stdout[-200:]} {done.stderr[-200:]}"
    if "Traceback" in done.stdout:
        return "a traceback on stdout"
    if int(last["exit"]) == 3:  # a process that was aborted has another code, which is not that of a pass either
        return None if done.returncode else "exit 0 without a verdict"
    return None if done.returncode == int(last["exit"]) else f"exit {done.returncode}, and {last['exit']}"
