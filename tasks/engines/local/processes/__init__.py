"""Processes of the embedded engine, each below a reaper that ends what it started."""
