"""The settings of the webhook service, from `PREDEPLOY_WEBHOOK_*`. All mistakes are reported at once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deployments.webhook.decision import Rules
from tasks.errors import SettingsError
from tasks.github.settings import GitHubSettings, Url
from tasks.settings.mistakes import mistakes, nearest
from tasks.user_dirs import UserDirs

PREFIX = "PREDEPLOY_WEBHOOK_"
SHORTEST = 16
T = TypeVar("T", bound=BaseSettings)


def split_list(value: Any) -> Any:
    """Splits a comma-separated text; other values stay as they are."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def long_enough(value: SecretStr) -> SecretStr:
    """Validates the length of a secret."""
    length = len(value.get_secret_value())
    if length < SHORTEST:
        found = f"it has {length}" if length else "it is not set"
        message = f"must be a random text of at least {SHORTEST} characters, the same as in GitHub ({found})"
        raise ValueError(message)
    return value


Secret = Annotated[SecretStr, AfterValidator(long_enough)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
Events = Annotated[tuple[Literal["push", "pull_request"], ...], NoDecode, BeforeValidator(split_list)]


class WebhookSettings(BaseSettings):
    """Lists are separated by commas. Globs are those of `deployments.webhook.decision.Rules`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    secret: Secret = Field(
        default=SecretStr(""), validate_default=True, description="The secret that GitHub signs deliveries with."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen at.")
    port: int = Field(default=8484, ge=0, le=65535, description="The port to listen at; 0 takes any free port.")
    public_url: Url | None = Field(default=None, description="The public URL of the service, for links.")
    data: Path = Field(
        default_factory=lambda: UserDirs.of_user().data / "webhook",
        description="The directory that stores deliveries.",
    )
    deployment: str = Field(
        default="validate/on-push", pattern=r"^[^/]+/[^/]+$", description="The deployment to run: flow/name."
    )
    body_limit: int = Field(default=26_214_400, ge=1024, description="The most bytes of a delivery.")
    repositories: Names = Field(default=(), description="Globs of owner/name; empty allows every repository.")
    events: Events = Field(
        default=("push", "pull_request"), min_length=1, description="The kinds of events that are validated."
    )
    branches: Names = Field(default=("**",), description="Globs of branches whose pushes are validated.")
    tags: Names = Field(default=(), description="Globs of tags whose pushes are validated.")
    paths: Names = Field(default=(), description="Globs of files; a push must change one of them.")
    drafts: bool = Field(default=False, description="Whether draft pull requests are validated.")

    @property
    def rules(self) -> Rules:
        """The rules that decide on events."""
        return Rules(
            repositories=self.repositories,
            events=self.events,
            branches=self.branches,
            tags=self.tags,
            paths=self.paths,
            drafts=self.drafts,
        )


def load(environ: Mapping[str, str] = os.environ) -> tuple[WebhookSettings, GitHubSettings]:
    """Returns both kinds of settings. Raises SettingsError with a line for every mistake."""
    problems: list[str] = []
    webhook = read(WebhookSettings, PREFIX, problems)
    github = read(GitHubSettings, "PREDEPLOY_GITHUB_", problems)
    known = {name.upper() for name in WebhookSettings.model_fields}
    for name in sorted(name.removeprefix(PREFIX) for name in environ if name.startswith(PREFIX)):
        if name not in known:
            meant = nearest(name, {other.lower() for other in known}).upper()
            problems.append(f"{PREFIX}{name}: no such setting" + (f"; did you mean {PREFIX}{meant}?" if meant else ""))
    if webhook is None or github is None or problems:
        raise SettingsError(problems)
    return webhook, github


def read(kind: type[T], prefix: str, problems: list[str]) -> T | None:
    """Returns the settings of a kind, or None after it has added the mistakes to `problems`."""
    try:
        return kind()
    except ValidationError as error:
        problems += mistakes(error, lambda path: f"{prefix}{str(path[0]).upper()}")
    return None
