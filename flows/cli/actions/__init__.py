"""Subcommands that read the newest report, or write files into a stack."""
