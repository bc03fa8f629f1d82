"""Doppler as a provider: asked once for what the checks declare."""

from collections.abc import Collection
from dataclasses import dataclass

from tasks.errors import SecretsError
from tasks.secrets.doppler.access import CONFIG, PROJECT, Access
from tasks.secrets.doppler.client import ask_secrets
from tasks.secrets.doppler.token import VARIABLE
from tasks.secrets.provider import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerProvider:
    """Asks for the secrets of one config."""

    access: Access

    def find(self, names: Collection[str]) -> Found:
        """Those that the config has. Raises SecretsError where Doppler cannot be asked, or will not say."""
        require_config(self.access)
        answer = ask_secrets(self.access, names)
        return Found(source=f"Doppler ({answer.place})", values=answer.values, hidden=answer.hidden)


def require_config(access: Access) -> None:
    """Raises SecretsError with what has to be named besides the token."""
    named = {"project": (access.project, PROJECT), "config": (access.config, CONFIG)}
    missing = {name: variable for name, (value, variable) in named.items() if not value}
    if missing and access.token.needs_config:
        words = " and ".join(missing)
        ways = " and ".join(f"doppler_{name} (or {variable})" for name, variable in missing.items())
        text = f"{VARIABLE} is {access.token}, which reads more than one config, and no {words} is named."
        raise SecretsError(f"{text} Set {ways}.")
