"""The inbox: messages that visitors sent through the contact forms."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "inbox"
