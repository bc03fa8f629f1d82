"""The report of a run for each reader: people, agents, programs, and the next run."""
