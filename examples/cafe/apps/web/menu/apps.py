"""The menu: what the café sells."""

from django.apps import AppConfig


class MenuConfig(AppConfig):
    name = "menu"
