"""Processes of the embedded engine. Each runs below a reaper, which ends all its descendants."""
