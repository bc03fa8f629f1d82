"""Where values of secrets come from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a provider has of the names that it was asked for.

    `source` says who that is, for the report. `hidden` are names that it has and whose values it gives to nobody.
    `stale`, where it is not empty, says how old the values are and why. `notes` are for the report, too.
    """

    source: str
    values: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()
    stale: str = ""
    notes: tuple[str, ...] = ()


class Provider(Protocol):
    """Somebody who has secrets."""

    def find(self, names: Collection[str]) -> Found:
        """The values of those of these names that it has, and of no other; SecretsError where it cannot say."""
