"""Whom to ask for secrets, with which token, about which config, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import quote, urlsplit

from tasks.errors import SecretsError
from tasks.secrets.doppler.token import Token
from tasks.settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
API = "https://api.doppler.com"
PROJECT, CONFIG, HOST = "DOPPLER_PROJECT", "DOPPLER_CONFIG", "DOPPLER_API_HOST"
"""Variables of Doppler's own command line. Where the API is, no file of a stack may say: a token is sent there."""
UNSAID = "-"
"""What the SDK insists on having for project and config where the token implies them; taken out of the URL again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerLimits:
    """Seconds that Doppler has: `total` for an answer however often it is asked, `answer` for each attempt.

    `pause` is what lies between the first two attempts at most; each further one is twice as long.
    """

    total: float = 20.0
    answer: float = 10.0
    pause: float = 0.5
    attempts: int = 5

    @classmethod
    def of(cls, total: float) -> Self:
        """What fits into so many seconds."""
        return cls(total=total, answer=total / 2, pause=total / 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whom to ask, with what, for which config; empty where the token implies it."""

    url: str
    token: Token
    project: str = ""
    config: str = ""
    limits: DopplerLimits = field(default_factory=DopplerLimits)

    @property
    def where(self) -> str:
        """The config, for a sentence."""
        if self.project and self.config:
            return f"{self.project}/{self.config}"
        half = f"config {self.config}" if self.config else f"project {self.project}" if self.project else ""
        return half or "the token's config"

    @property
    def query(self) -> dict[str, str]:
        """Project and config for the SDK, which puts what it is given into the URL as it is."""
        named = {"project": self.project, "config": self.config}
        return {name: quote(value, safe="") if all(named.values()) else UNSAID for name, value in named.items()}

    def to(self, config: str) -> Self:
        """The same for another config."""
        return replace(self, config=config)


def read_access(settings: Settings, environ: Mapping[str, str], token: Token) -> Access:
    """What settings and variables say. Raises SecretsError where the API's address is none.

    A token for many configs reads that of the deploy's target where nothing else is named.
    """
    target = settings.deploy_config if token.needs_config else ""
    return Access(
        url=service_url(environ.get(HOST) or API),
        token=token,
        project=settings.doppler_project or environ.get(PROJECT, ""),
        config=settings.doppler_config or environ.get(CONFIG) or target,
        limits=DopplerLimits.of(settings.doppler_limit),
    )


def service_url(value: str) -> str:
    """Where the API is: behind TLS, unless it is on this machine."""
    try:
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        is_base = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        is_safe = is_base = False
    if not (is_safe and is_base):
        raise SecretsError(f"{HOST} is not the https URL of Doppler's API, as in {API}. Mend or unset it.")
    return value.rstrip("/")
