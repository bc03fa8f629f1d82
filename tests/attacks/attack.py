"""An attack: something hostile that predeploy gets, and the only ends that are right for it."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SEED = 20261130
"""All random attacks begin with it, so that each try can be repeated."""
LIMIT = 60
"""Seconds of a try. What takes longer counts as a hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One try. `survives` raises an error, or returns a text, if predeploy did not do the right thing.

    `limit` is in seconds; 0 stands for LIMIT.
    """

    category: str
    name: str
    survives: Callable[[], str | None]
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The result of a try. `failure` is empty if it was survived."""

    category: str
    name: str
    failure: str
    seconds: float


class HungError(Exception):
    """A try took longer than its limit."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises HungError in the block after some seconds. It works in the main thread only."""

    def end(_: int, __: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def perform(attacks: Iterable[Attack]) -> Iterator[Tried]:
    """Performs all attacks, one after the other."""
    for attack in attacks:
        begun = time.monotonic()
        limit = attack.limit or LIMIT
        try:
            with limited(limit):
                failure = attack.survives() or ""
        except HungError:
            failure = f"it was not over after {limit} s"
        except BaseException as error:  # also what a test framework does not expect, such as SystemExit
            if isinstance(error, KeyboardInterrupt):
                raise
            failure = f"{type(error).__name__}: {error}"[:300]
        yield Tried(
            category=attack.category, name=attack.name, failure=failure, seconds=round(time.monotonic() - begun, 3)
        )


def as_table(tried: Iterable[Tried]) -> str:
    """The table: category, tried, survived, failed, and below it each failure."""
    results = [*tried]
    rows = [f"{'category':<28} {'tried':>6} {'survived':>9} {'failed':>7} {'seconds':>8}"]
    for category in dict.fromkeys(each.category for each in results):
        those = [each for each in results if each.category == category]
        rows.append(row(category, those))
    rows.append(row("all", results))
    failures = [f"{each.category}: {each.name}: {each.failure}" for each in results if each.failure]
    return "\n".join([*rows, *failures])


def row(name: str, those: list[Tried]) -> str:
    """A row of the table."""
    failed = sum(bool(each.failure) for each in those)
    seconds = sum(each.seconds for each in those)
    return f"{name:<28} {len(those):>6} {len(those) - failed:>9} {failed:>7} {seconds:>8.1f}"
