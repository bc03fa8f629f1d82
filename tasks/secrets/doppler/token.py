"""Doppler's tokens: their kinds, and which of them name a config by themselves."""

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
READING_NOTHING = frozenset({"SCIM token", "audit token"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token. Where it is printed, there is its kind only."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text.isascii() or not self.text.isprintable() or " " in self.text:
            raise SecretsError(
                f"{TOKEN_VARIABLE} is no token: it holds a blank or another strange character. Copy it again."
            )
        if self.kind in READING_NOTHING:
            raise SecretsError(f"{TOKEN_VARIABLE} is a {self.kind}, which reads no secrets. Set it to a service token.")

    def __str__(self) -> str:
        return f"a {self.kind}"

    def __reduce__(self) -> str:
        """Nobody gets to store it by accident."""
        raise TypeError("tokens are not pickled")

    @property
    def kind(self) -> str:
        """What it is called at Doppler's."""
        return next((kind for prefix, kind in KINDS.items() if self.text.startswith(prefix)), "token of unknown kind")

    @property
    def implies_config(self) -> bool:
        """Whether it is for one config, which then need not be named."""
        return self.kind == "service token"

    @property
    def needs_config(self) -> bool:
        """Whether it reads many, so that one has to be named. Of an unknown kind nobody knows."""
        return self.kind in KINDS.values() and not self.implies_config


def read_token(text: str | None) -> Token | None:
    """The token in a variable; none where that is not set or empty."""
    stripped = (text or "").strip()
    return Token(stripped) if stripped else None
