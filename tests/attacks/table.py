"""Performs all attacks, and prints the table: category, tried, survived, failed.

usage: python -m tests.attacks.table [quick | soak]

`quick` leaves out the attacks on whole runs: they take minutes. `soak` makes 200 recorded runs in a row instead of 30.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.attack import Attack, Tried, as_table, perform
from tests.attacks.canaries import canary_attacks
from tests.attacks.crowds import crowd_attacks
from tests.attacks.disks import disk_attacks
from tests.attacks.kills import kill_attacks
from tests.attacks.machine import exhaustion_attacks
from tests.attacks.soak import RUNS, SHORT, soak_attacks
from tests.attacks.texts import address_attacks, redaction_attacks, report_attacks, settings_attacks
from tests.attacks.trees import git_attacks, package_attacks, stack_attacks
from tests.support.identity import IDENTITY


def quick_attacks(place: Path) -> Iterator[Attack]:
    """The attacks on parts of predeploy."""
    yield from settings_attacks(place)
    yield from report_attacks()
    yield from address_attacks()
    yield from redaction_attacks()
    yield from package_attacks(place)
    yield from git_attacks(place)
    yield from stack_attacks(place)


def run_attacks(place: Path, soak: int) -> Iterator[Attack]:
    """The attacks on whole runs. `soak` is the number of runs in a row."""
    yield from exhaustion_attacks(place)
    yield from kill_attacks(place)
    yield from crowd_attacks(place)
    yield from disk_attacks(place)
    yield from canary_attacks(place)
    yield from soak_attacks(place, soak)


def try_all(chosen: str = "") -> list[Tried]:
    """The results of the chosen attacks: all, `quick`, or all with a long `soak`."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as name:
        place = Path(name)
        quick = [*perform(quick_attacks(place))]
        runs = () if chosen == "quick" else run_attacks(place, RUNS if chosen == "soak" else SHORT)
        return [*quick, *perform(runs)]


if __name__ == "__main__":
    arguments = sys.argv[1:] or [""]
    if len(arguments) > 1 or arguments[0] not in {"", "quick", "soak"}:
        sys.exit(f"usage: {__doc__.partition('usage: ')[2].strip()}")
    os.environ.update(IDENTITY)
    results = try_all(arguments[0])
    print(as_table(results))  # noqa: T201 - the table is the output
    sys.exit(any(each.failure for each in results))
