"""The values of the tokens that every step has, on this machine."""

from pathlib import Path

from tasks import steps
from tasks.engines.local.toolchains.pinned import base_python
from tasks.engines.tokens import Tokens

PROBES = Path(steps.__file__).parent / "probes"


def engine_tokens(*, work: Path, out: Path, cache: Path) -> Tokens:
    """The token values for every command."""
    values = {steps.WORK: work, steps.OUT: out, steps.CACHE: cache, steps.PROBES: PROBES, steps.PYTHON: base_python()}
    return Tokens(values={token: str(value) for token, value in values.items()})
