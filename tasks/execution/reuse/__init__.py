"""Reuse of passed results: the key of each check, the decision which checks run, and the store of records."""
