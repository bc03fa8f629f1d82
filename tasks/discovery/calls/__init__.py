"""Reads how a stack itself calls its quality tools: in CI, recipes, pre-commit hooks and documents. Runs nothing."""
