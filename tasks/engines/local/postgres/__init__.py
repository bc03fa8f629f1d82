"""The Postgres of a run on the embedded engine: its programs, cluster, account and databases."""
