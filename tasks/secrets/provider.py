"""Where values of secrets come from."""

from collections.abc import Collection, Mapping
from typing import Protocol


class Provider(Protocol):
    """Somebody who has secrets."""

    @property
    def title(self) -> str:
        """Who that is, for a sentence: `the file .secrets`."""

    def values(self, names: Collection[str]) -> Mapping[str, str]:
        """The values of those of these names that it has, and of no other; SecretsError where it cannot say."""
