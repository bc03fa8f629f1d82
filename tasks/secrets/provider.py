"""The interface of providers of secrets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class WithOwn:
    """A provider with values of predeploy's own settings. Its `inner` provider has all others."""

    inner: Provider
    own: Mapping[str, str] = field(repr=False)

    def find(self, names: Collection[str]) -> Found:
        """The values of these names."""
        others = [name for name in names if name not in self.own]
        found = self.inner.find(others) if others else Found(source="the settings", values={})
        mine = {name: value for name, value in self.own.items() if name in names}
        return replace(found, values={**found.values, **mine})
