"""Paths in a container."""

from tasks import steps
from tasks.engines.tokens import Tokens

WORK, OUT, CACHE, ENV, PROBES = "/work", "/out", "/cache", "/env", "/probes"
SERVED = "/served"
"""The directory for outputs and exit codes of services. Their containers share it with the step's."""
PYTHON = "/usr/local/bin/python3"
MANAGER = "/opt/manager"
TOKENS = Tokens(
    values={
        steps.WORK: WORK,
        steps.OUT: OUT,
        steps.CACHE: CACHE,
        steps.PROBES: PROBES,
        steps.PYTHON: PYTHON,
    }
)
WITH_ENV = TOKENS.with_values({steps.ENV: ENV})
"""The tokens for commands with an environment."""


def pattern(path: str) -> str:
    """A pattern that matches only this path."""
    return "".join(f"\\{letter}" if letter in "\\*?[]!" else letter for letter in path.removeprefix("./"))
