"""How long a run takes beside two yardsticks, on the same stack and the same engine: as ratios, in one process run."""
