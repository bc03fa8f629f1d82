"""The caller of the command line: environment, token, and the default stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import UsageError
from tasks.hardening import Exposure
from tasks.secrets.doppler.token import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The environment of the process without DOPPLER_TOKEN, and the token."""

    environ: Mapping[str, str] = field(repr=False)
    token: Token | None
    exposure: Exposure

    @property
    def default_stack(self) -> str:
        """The directory in PREDEPLOY_STACK, which recipes set, or the current directory."""
        return self.environ.get("PREDEPLOY_STACK") or "."


def absolute(stack: str) -> Path:
    """The absolute path of a stack. The process changes its directory later."""
    try:
        return Path(stack).absolute()
    except FileNotFoundError as error:
        raise UsageError("the current directory no longer exists. Change to another directory.") from error
