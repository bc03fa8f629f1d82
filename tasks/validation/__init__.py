"""One validation, from the settings to the report."""
