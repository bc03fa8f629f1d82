"""Who calls the command line, and what they mean where they do not say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import UsageError
from tasks.hardening import Exposure
from tasks.secrets.doppler.token import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The variables that we were started with, without the token, and that."""

    environ: Mapping[str, str] = field(repr=False)
    token: Token | None
    exposure: Exposure

    @property
    def default_stack(self) -> str:
        """The current directory, unless the caller's recipe knows a better one."""
        return self.environ.get("PREDEPLOY_STACK") or "."


def absolute(stack: str) -> Path:
    """The stack's directory as seen from where we are called: soon that is elsewhere."""
    try:
        return Path(stack).absolute()
    except FileNotFoundError as error:
        raise UsageError("the current directory is not there any more. Go to one that is.") from error
