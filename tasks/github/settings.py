"""Where GitHub is and who we are there, from `PREDEPLOY_GITHUB_*`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PREDEPLOY_GITHUB_"


def base_url(value: str) -> str:
    """A URL that paths are put behind."""
    if not value.startswith(("https://", "http://", "file://")):
        message = "must be a URL, as in 'https://github.com'"
        raise ValueError(message)
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(base_url)]


class GitHubSettings(BaseSettings):
    """One server. Its token is for cloning private repositories and for setting statuses of commits."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    server_url: Url = Field(default="https://github.com", description="Where repositories are cloned from.")
    api_url: Url = Field(default="https://api.github.com", description="Where its API is.")
    token: SecretStr | None = Field(
        default=None, description="Reads private repositories, and sets statuses of commits."
    )
    token_block: str = Field(default="", description="The Prefect Secret block that holds the token instead.")
    context: str = Field(default="predeploy", min_length=1, description="What the status of a commit is called.")
