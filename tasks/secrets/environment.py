"""Secrets from the variables that our own process was started with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EnvironmentProvider:
    """Reads the caller's variables."""

    environ: Mapping[str, str] = field(repr=False)
    title: str = "the environment of this command"

    def values(self, names: Collection[str]) -> Mapping[str, str]:
        """Those that are set."""
        return {name: self.environ[name] for name in names if name in self.environ}
