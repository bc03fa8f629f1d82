"""Secrets from Doppler."""
