"""For how long a shard is waited for, and where it is deployed. From the environment of whoever waits."""

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import SettingsError

PREFIX = "PREDEPLOY_SHARD_"
BEATS = 6
"""Signs of life within the time after which a silent shard is lost."""


class ShardSettings(BaseSettings):
    """All in seconds, but for the deployment's name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    lost: float = Field(default=60.0, gt=0, description="A shard that gives no sign of life for so long is lost.")
    unclaimed: float = Field(
        default=300.0, gt=0, description="So long a shard waits in a work pool that no worker looks after."
    )
    queued: float = Field(
        default=3600.0, gt=0, description="So long it waits for workers that have other things to do."
    )
    deployment: str = Field(default="shard/shard", description="The deployment that shards are runs of.")

    @property
    def beat(self) -> float:
        """How often a shard says that it lives."""
        return self.lost / BEATS


def read_shard_settings() -> ShardSettings:
    """Raises SettingsError with every mistake."""
    try:
        return ShardSettings()
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise SettingsError([f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in found]) from None
