"""Decides when a shard is lost, by the clock of the process that waits: clocks of workers are not used. Pure."""

from dataclasses import dataclass

from tasks.distribution.settings import ShardSettings

Lost = tuple[str, str]
"""A reason code and a one-line message."""


@dataclass(slots=True, kw_only=True)
class ShardLiveness:
    """The liveness of one shard. All times are seconds of one monotonic clock. `pool` is the shard's work pool."""

    settings: ShardSettings
    pool: str
    begun: float
    _beat: int = -1
    _heard: float | None = None
    _served: float | None = None

    def hear(self, now: float, beat: int) -> None:
        """Records a sign of life. A beat that was read before does not count again."""
        if beat != self._beat:
            self._beat, self._heard = beat, now

    def lost(self, now: float, *, is_running: bool, is_served: bool) -> Lost | None:
        """Returns why the shard is lost, or None.

        `is_running` is the shard's state in Prefect. `is_served` says whether the work pool has a worker.
        """
        if self._beat < 0 and not is_running:
            return self._unclaimed(now, is_served)
        if self._heard is None:
            self._heard = now  # the time without a sign counts from the start of the shard
        silent = self.settings.lost
        if now - self._heard <= silent:
            return None
        if self._beat < 0:
            why = "it runs, but writes nothing to the result storage. Give the worker the same storage as this process"
            return "shard_lost", f"the shard gave no sign of life for {silent:g} s: {why}"
        why = "its worker died or lost its connection"
        return "shard_lost", f"the shard gave no sign of life for {silent:g} s: {why}"

    def _unclaimed(self, now: float, is_served: bool) -> Lost | None:
        if is_served:
            self._served = now
        alone, waited = now - max(self._served or 0.0, self.begun), now - self.begun
        start = f"Start one: ./just worker {self.pool}"
        if alone > self.settings.unclaimed:
            return "shard_unclaimed", f"no worker of the pool {self.pool} took the shard within {alone:.0f} s. {start}"
        if waited > self.settings.queued:
            what = f"all workers of the pool {self.pool} were busy for {waited:.0f} s"
            return "shard_unclaimed", f"{what}. {start.replace('one', 'another')}"
        return None
