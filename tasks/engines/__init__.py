"""Engines: they run the commands of steps."""
