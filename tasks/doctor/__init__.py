"""Findings about this machine: secrets, engine and programs for a run. Nothing is run or installed."""
