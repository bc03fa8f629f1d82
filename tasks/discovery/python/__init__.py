"""Discovers Python projects: their dependencies, locks and requirements files."""
