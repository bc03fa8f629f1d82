"""Replaces the tokens of a step with their values on the engine. Pure."""

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
"""Tokens for the address of a service, for any name."""
PATTERN = re.compile("|".join([*(re.escape(token) for token in sorted(KNOWN, key=len, reverse=True)), ADDRESS]))


def located(name: str, host: str, port: int) -> dict[str, str]:
    """The values of the address tokens of a service."""
    return dict(zip(steps.address_of(name), (host, str(port)), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The values of the tokens of one step."""

    values: Mapping[str, str]

    def with_values(self, values: Mapping[str, str]) -> "Tokens":
        """These and further values."""
        return Tokens(values={**self.values, **values})

    def replace(self, text: str) -> str:
        """The text with values instead of tokens. Raises EngineError (`internal`) for a token without a value."""
        return PATTERN.sub(lambda match: self._value(match[0], text), text)

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments of a command, with values."""
        return tuple(self.replace(part) for part in argv)

    def env(self, env: tuple[tuple[str, str], ...]) -> dict[str, str]:
        """Environment variables, with values."""
        return {name: self.replace(value) for name, value in env}

    def _value(self, token: str, text: str) -> str:
        if token not in self.values:
            raise EngineError(f"{text!r} needs {token}, which this step does not have", "internal")
        return self.values[token]
