"""Reads a Django project and production's server."""
