"""The Postgres of a run on the embedded engine: programs, cluster, system account and databases."""
