"""The addresses of GitHub and the token for it, from `PREDEPLOY_GITHUB_*`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PREDEPLOY_GITHUB_"


def base_url(value: str) -> str:
    """Validates a URL that paths are appended to, and strips its trailing slash."""
    if not value.startswith(("https://", "http://", "file://")):
        message = "must be a URL, as in 'https://github.com'"
        raise ValueError(message)
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(base_url)]


class GitHubSettings(BaseSettings):
    """One server. Its token clones private repositories and sets commit statuses."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    server_url: Url = Field(default="https://github.com", description="The URL that repositories are cloned from.")
    api_url: Url = Field(default="https://api.github.com", description="The URL of the API.")
    token: SecretStr | None = Field(
        default=None, description="The token that reads private repositories and sets commit statuses."
    )
    token_block: str = Field(default="", description="The Prefect Secret block that holds the token instead.")
    comment: bool = Field(
        default=False, description="Whether one comment with the report is kept on each pull request of the commit."
    )
    context: str = Field(default="predeploy", min_length=1, description="The name (context) of the commit status.")
