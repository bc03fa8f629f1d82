"""A run in shards: what the caller and each shard tell one another through Prefect."""
