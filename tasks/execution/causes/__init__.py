"""Causes of a failure that are in this machine, not in the stack's code."""
