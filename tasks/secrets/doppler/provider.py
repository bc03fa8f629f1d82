"""The provider for Doppler: one query for all declared names, and a copy of the last answer if Doppler is down."""

from collections.abc import Collection
from dataclasses import dataclass

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.secrets.doppler.access import CONFIG, PROJECT, Access
from tasks.secrets.doppler.client import DopplerAnswer, ask_secrets
from tasks.secrets.doppler.snapshot import Snapshots, age_text
from tasks.secrets.doppler.trouble import DopplerError
from tasks.secrets.provider import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerProvider:
    """Reads secrets of one config. Without `snapshots`, no copy is written or used."""

    access: Access
    snapshots: Snapshots | None = None

    def find(self, names: Collection[str]) -> Found:
        """The values in the config. Raises SecretsError if Doppler does not answer, or refuses."""
        require_config(self.access)
        wanted = frozenset(names)
        try:
            answer = ask_secrets(self.access, wanted)
        except DopplerError as error:
            return self._instead(error, wanted)
        return Found(
            source=source_of(answer), values=answer.values, hidden=answer.hidden, notes=self._kept(answer, wanted)
        )

    def _kept(self, answer: DopplerAnswer, names: frozenset[str]) -> tuple[str, ...]:
        """Writes a copy, if copies are enabled; returns notes for the report."""
        if self.snapshots is None:
            return ()
        try:
            self.snapshots.keep(self.access, names, answer)
        except OSError as error:
            return (f"doppler_snapshot: no copy of the secrets could be kept: {error.strerror}",)
        return ()

    def _instead(self, error: DopplerError, names: frozenset[str]) -> Found:
        """The copy, if it may be used. If Doppler refuses the token, its copies are deleted."""
        if self.snapshots is None:
            raise error
        if error.refused and self.snapshots.forget(self.access):
            raise DopplerError(f"{error} Copies of earlier answers are deleted.", refused=True)
        copy = self.snapshots.find(self.access, names) if error.silent else None
        if copy is None:
            raise error
        stale = f"STALE SECRETS, {age_text(copy.age)} old: copied from {source_of(copy.answer)}. {error}"
        return Found(source=f"{source_of(copy.answer)}, an earlier answer", values=copy.answer.values, stale=stale)


def source_of(answer: DopplerAnswer) -> str:
    """The source of an answer, for the report."""
    return f"Doppler ({answer.place})"


def require_config(access: Access) -> None:
    """Raises SecretsError if the token needs a project or a config that is not set."""
    named = {"project": (access.project, PROJECT), "config": (access.config, CONFIG)}
    missing = {name: variable for name, (value, variable) in named.items() if not value}
    if missing and access.token.needs_config:
        words = " and ".join(missing)
        ways = " and ".join(f"doppler_{name} (or {variable})" for name, variable in missing.items())
        text = f"{TOKEN_VARIABLE} is {access.token}, which reads more than one config, and no {words} is set."
        raise SecretsError(f"{text} Set {ways}.")
