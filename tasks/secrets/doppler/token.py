"""Doppler's tokens: their kinds, and whether they imply a config."""

from dataclasses import dataclass, field

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE

KINDS = {
    "dp.st.": "service token",
    "dp.sa.": "service account token",
    "dp.pt.": "personal token",
    "dp.ct.": "command line token",
    "dp.scim.": "SCIM token",
    "dp.audit.": "audit token",
}
WITHOUT_SECRETS = frozenset({"SCIM token", "audit token"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token. Its text has only its kind."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text.isascii() or not self.text.isprintable() or " " in self.text:
            raise SecretsError(
                f"{TOKEN_VARIABLE} is not a token: it contains a space or another invalid character. Copy it again."
            )
        if self.kind in WITHOUT_SECRETS:
            raise SecretsError(f"{TOKEN_VARIABLE} is a {self.kind}, which reads no secrets. Set it to a service token.")

    def __str__(self) -> str:
        return f"a {self.kind}"

    def __reduce__(self) -> str:
        """Prevents that tokens are stored by accident."""
        raise TypeError("tokens are not pickled")

    @property
    def kind(self) -> str:
        """Its kind, in Doppler's terms."""
        return next((kind for prefix, kind in KINDS.items() if self.text.startswith(prefix)), "token of unknown kind")

    @property
    def implies_config(self) -> bool:
        """Whether it is for one config, which need not be named."""
        return self.kind == "service token"

    @property
    def needs_config(self) -> bool:
        """Whether it reads several configs, so that one must be named. False for an unknown kind."""
        return self.kind in KINDS.values() and not self.implies_config


def read_token(text: str | None) -> Token | None:
    """The token in a variable; None if that is not set or empty."""
    stripped = (text or "").strip()
    return Token(stripped) if stripped else None
