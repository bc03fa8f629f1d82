"""Interpreters for a stack's code: Pythons of this machine, and pinned wheels of Node and Postgres."""
