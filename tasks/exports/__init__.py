"""Exports of a run that passed: images, bundles and built sites."""
