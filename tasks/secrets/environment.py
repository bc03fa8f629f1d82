"""Secrets from the environment variables of this process."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasks.secrets.provider import Found


@dataclass(frozen=True, slots=True)
class EnvironmentProvider:
    """Reads environment variables."""

    environ: Mapping[str, str] = field(repr=False)

    def find(self, names: Collection[str]) -> Found:
        """The values of the variables that are set."""
        values = {name: self.environ[name] for name in names if name in self.environ}
        return Found(source="the environment of this command", values=values)
