"""A run in shards: the data that the run and each shard exchange through Prefect."""
