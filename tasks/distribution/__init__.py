"""A run in shards, each on a worker of its own: how it is divided, what comes back, and who is lost. All pure."""
