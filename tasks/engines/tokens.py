"""Replaces the tokens of a step by what they stand for where it runs. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tasks import steps
from tasks.errors import EngineError

KNOWN = (
    steps.WORK,
    steps.OUT,
    steps.CACHE,
    steps.ENV,
    steps.PROBES,
    steps.PYTHON,
    steps.DB_URL,
    steps.DB_HOST,
    steps.DB_PORT,
    steps.DB_USER,
    steps.DB_PASSWORD,
    steps.DB_NAME,
    steps.NONCE,
)
ADDRESS = r"@[a-z][a-z0-9_]*\.(?:host|port)@"
"""Of a service, whatever its name."""
PATTERN = re.compile("|".join([*(re.escape(token) for token in sorted(KNOWN, key=len, reverse=True)), ADDRESS]))


def located(name: str, host: str, port: int) -> dict[str, str]:
    """What the tokens of a service's address stand for."""
    return dict(zip(steps.address_of(name), (host, str(port)), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What tokens stand for in one step."""

    values: Mapping[str, str]

    def with_values(self, values: Mapping[str, str]) -> "Tokens":
        """More of them."""
        return Tokens(values={**self.values, **values})

    def replace(self, text: str) -> str:
        """The text as the command gets it; EngineError (`internal`) where a token stands for nothing here."""
        return PATTERN.sub(lambda match: self._value(match[0], text), text)

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """A command line."""
        return tuple(self.replace(part) for part in argv)

    def env(self, env: tuple[tuple[str, str], ...]) -> dict[str, str]:
        """Variables."""
        return {name: self.replace(value) for name, value in env}

    def _value(self, token: str, text: str) -> str:
        if token not in self.values:
            raise EngineError(f"{text!r} needs {token}, which this step does not have", "internal")
        return self.values[token]
