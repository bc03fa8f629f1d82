"""What a report derives from single findings: their ids, their causes in other findings, and their rerun commands."""
