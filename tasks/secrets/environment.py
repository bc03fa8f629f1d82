"""Secrets from the variables that our own process was started with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasks.secrets.provider import Found


@dataclass(frozen=True, slots=True)
class EnvironmentProvider:
    """Reads the caller's variables."""

    environ: Mapping[str, str] = field(repr=False)

    def find(self, names: Collection[str]) -> Found:
        """Those that are set."""
        values = {name: self.environ[name] for name in names if name in self.environ}
        return Found(source="the environment of this command", values=values)
