"""The interface of providers of secrets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The values that a provider has for the requested names.

    `source` is the provider's name in the report. `hidden` are names with a restricted value, which nothing can read.
    `withheld` are names of the person's own credentials, which a stack does not get unless the person says so.
    `stale` is not empty if the values are old, and says why. `notes` are further texts for the report.
    """

    source: str
    values: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    stale: str = ""
    notes: tuple[str, ...] = ()


class Provider(Protocol):
    """A source of secrets."""

    def find(self, names: Collection[str]) -> Found:
        """The values of these names, if it has them, and of no others. Raises SecretsError if it fails."""
