"""Redaction: no value of a secret leaves a run, in any usual encoding, through any sink."""
