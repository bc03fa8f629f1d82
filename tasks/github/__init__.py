"""GitHub, or a server that speaks like it: where it is, and the statuses of commits that it is told."""
