"""The settings of a run: flags > environment > `predeploy.toml` in the stack > defaults."""

from tasks.settings.load import load_settings, settings_schema, unknown_variables, usable_settings
from tasks.settings.models import FLAGS, Settings
from tasks.settings.stack_file import FILE
from tasks.settings.tables import ComponentSettings, CustomCheck, FormSettings

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
    "usable_settings",
]
