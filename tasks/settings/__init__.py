"""What a run is asked to do: flags > environment > `predeploy.toml` in the stack > defaults."""

from tasks.settings.load import FILE, load_settings, settings_schema, unknown_variables
from tasks.settings.mistakes import FLAGS
from tasks.settings.models import ComponentSettings, CustomCheck, FormSettings, Settings

__all__ = [
    "FILE",
    "FLAGS",
    "ComponentSettings",
    "CustomCheck",
    "FormSettings",
    "Settings",
    "load_settings",
    "settings_schema",
    "unknown_variables",
]
