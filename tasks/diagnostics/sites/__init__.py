"""Readers of what generators of sites report of their pages."""
