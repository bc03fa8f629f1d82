"""Performs all attacks, and prints the table: category, tried, survived, failed.

usage: python -m tests.attacks.table [soak]

`soak` adds 200 recorded runs in a row, which take some ten minutes.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.attack import Attack, Tried, as_table, perform
from tests.attacks.crowds import crowd_attacks
from tests.attacks.disks import disk_attacks
from tests.attacks.kills import kill_attacks
from tests.attacks.machine import exhaustion_attacks
from tests.attacks.soak import soak_attacks
from tests.attacks.texts import address_attacks, redaction_attacks, report_attacks, settings_attacks
from tests.attacks.trees import git_attacks, package_attacks, stack_attacks


def all_attacks(place: Path) -> Iterator[Attack]:
    """Every attack, in the order of the table."""
    yield from settings_attacks(place)
    yield from report_attacks()
    yield from address_attacks()
    yield from redaction_attacks()
    yield from package_attacks(place)
    yield from git_attacks(place)
    yield from stack_attacks(place)
    yield from exhaustion_attacks(place)
    yield from kill_attacks(place)
    yield from crowd_attacks(place)
    yield from disk_attacks(place)


def try_all(*, has_soak: bool = False) -> list[Tried]:
    """The results of all attacks."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as place:
        soak = soak_attacks(Path(place)) if has_soak else ()
        return [*perform(all_attacks(Path(place))), *perform(soak)]


if __name__ == "__main__":
    results = try_all(has_soak="soak" in sys.argv[1:])
    print(as_table(results))  # noqa: T201 - the table is the output
    sys.exit(any(each.failure for each in results))
