"""What a run has to say, for each of its readers: people, agents, programs, and the next run."""
