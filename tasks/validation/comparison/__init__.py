"""Compares a run with what was before it: earlier runs, and the files of an earlier commit."""
