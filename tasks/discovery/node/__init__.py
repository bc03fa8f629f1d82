"""Discovers Node packages: workspaces, package managers, locks and version ranges."""
