"""The access to Doppler: address, token, project, config and time limits."""

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
"""Variables of Doppler's command line. Only the variable sets the API's address: the token is sent there."""
UNSAID = "-"
"""A placeholder: the SDK requires project and config even if the token implies them. The URL gets neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerLimits:
    """Limits of the requests to Doppler, in seconds: `total` for all attempts together, `answer` for each attempt.

    `pause` is the maximum between the first two attempts. Each further pause is twice as long.
    """

    total: float = 20.0
    answer: float = 10.0
    pause: float = 0.5
    attempts: int = 5

    @classmethod
    def of(cls, total: float) -> Self:
        """The limits for a total of seconds."""
        return cls(total=total, answer=total / 2, pause=total / 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Address, token, project and config. The latter two are empty if the token implies them."""

    url: str
    token: Token
    project: str = ""
    config: str = ""
    limits: DopplerLimits = field(default_factory=DopplerLimits)

    @property
    def where(self) -> str:
        """The config, for a message."""
        if self.project and self.config:
            return f"{self.project}/{self.config}"
        half = f"config {self.config}" if self.config else f"project {self.project}" if self.project else ""
        return half or "the token's config"

    @property
    def query(self) -> dict[str, str]:
        """Project and config for the SDK, quoted, because the SDK puts them into the URL unchanged."""
        named = {"project": self.project, "config": self.config}
        return {name: quote(value, safe="") if all(named.values()) else UNSAID for name, value in named.items()}

    def to(self, config: str) -> Self:
        """The access to another config."""
        return replace(self, config=config)


def read_access(settings: Settings, environ: Mapping[str, str], token: Token) -> Access:
    """The access for these settings and variables. Raises SecretsError for an invalid address of the API.

    If the token reads several configs and none is named, it is the config of the deploy's target.
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
    """The address of the API. It must use TLS, except on loopback."""
    try:
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        is_base = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        is_safe = is_base = False
    if not (is_safe and is_base):
        raise SecretsError(f"{HOST} is not the https URL of Doppler's API, as in {API}. Correct or unset it.")
    return value.rstrip("/")
