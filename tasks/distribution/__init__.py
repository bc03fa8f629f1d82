"""A run in shards, each on its own worker: dividing the plan, reading the results, detecting lost shards. Pure."""
