"""Engines interpret steps: where and how a step's command really runs."""
