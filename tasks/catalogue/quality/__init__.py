"""Rows for quality tools: linters, types and tests of Python and Node."""
