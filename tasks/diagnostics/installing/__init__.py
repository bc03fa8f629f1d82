"""Parsers of package managers, which use the same rules for errors of locks and manifests."""
