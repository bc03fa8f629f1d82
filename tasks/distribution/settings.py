"""Time limits and deployment of shards, from the environment of the process that waits for them."""

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import SettingsError

PREFIX = "PREDEPLOY_SHARD_"
BEATS = 6
"""Number of signs of life within `ShardSettings.lost` seconds."""


class ShardSettings(BaseSettings):
    """All values are seconds, except the name of the deployment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    lost: float = Field(default=60.0, gt=0, description="Seconds without a sign of life after which a shard is lost.")
    unclaimed: float = Field(
        default=300.0, gt=0, description="The most seconds that a shard waits in a work pool without a worker."
    )
    queued: float = Field(
        default=3600.0, gt=0, description="The most seconds that a shard waits for workers that are busy."
    )
    deployment: str = Field(default="shard/shard", description="The deployment that shards are runs of.")

    @property
    def beat(self) -> float:
        """Seconds between two signs of life of a shard."""
        return self.lost / BEATS


def read_shard_settings() -> ShardSettings:
    """Returns the settings. Raises SettingsError with a line for every mistake."""
    try:
        return ShardSettings()
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise SettingsError([f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in found]) from None
