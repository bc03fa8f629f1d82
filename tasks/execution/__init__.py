"""Executes a plan: runs each check once, judges its result from facts, and derives the verdict."""
