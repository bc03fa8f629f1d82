"""The receipt of a green run: it answers the same command on the same files without a run."""
