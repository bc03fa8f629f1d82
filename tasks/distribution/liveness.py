"""Decides when a shard is waited for in vain, by the clock of whoever waits: no other machine has a say. Pure."""

from dataclasses import dataclass

from tasks.distribution.settings import ShardSettings

Lost = tuple[str, str]
"""A reason code and a line."""


@dataclass(slots=True, kw_only=True)
class ShardLiveness:
    """Of one shard. All moments are seconds of one clock; `pool` is the work pool that it waits in."""

    settings: ShardSettings
    pool: str
    begun: float
    _beat: int = -1
    _heard: float | None = None
    _served: float | None = None

    def hear(self, now: float, beat: int) -> None:
        """A sign of life was read; one that was read before is none."""
        if beat != self._beat:
            self._beat, self._heard = beat, now

    def lost(self, now: float, *, is_running: bool, is_served: bool) -> Lost | None:
        """Why nobody waits any longer. `is_running`: Prefect says so; `is_served`: a worker looks after the pool."""
        if self._beat < 0 and not is_running:
            return self._unclaimed(now, is_served)
        if self._heard is None:
            self._heard = now  # it had to start first
        silent = self.settings.lost
        if now - self._heard <= silent:
            return None
        if self._beat < 0:
            why = "it runs, but nothing of it arrives in the storage for results: do worker and caller share one?"
            return "shard_lost", f"the shard gave no sign of life for {silent:g} s: {why}"
        return "shard_lost", f"the shard gave no sign of life for {silent:g} s: its worker has died, or is cut off"

    def _unclaimed(self, now: float, is_served: bool) -> Lost | None:
        if is_served:
            self._served = now
        alone, waited = now - max(self._served or 0.0, self.begun), now - self.begun
        start = f"Start one: ./just worker {self.pool}"
        if alone > self.settings.unclaimed:
            return "shard_unclaimed", f"no worker of the pool {self.pool} took it within {alone:.0f} s. {start}"
        if waited > self.settings.queued:
            what = f"all workers of the pool {self.pool} had other things to do for {waited:.0f} s"
            return "shard_unclaimed", f"{what}. {start.replace('one', 'another')}"
        return None
