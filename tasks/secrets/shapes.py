"""Finds mistakes in the values of secrets, by the conventions for their names. It never shows a value."""

import re
from urllib.parse import urlsplit

ADDRESS = re.compile(r"(?:^|_)(?:URL|URI|DSN)$")
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|(?:^|_)(?:PASS|PAT|URL|URI|DSN)$")
PLACEHOLDER = re.compile(
    r"(?:change|replace|fill|set)[ _-]?(?:me|this|it|in)|your[ _-].*|<.*>|\$\{.*\}|\{\{.*\}\}|x{3,}|\*{3,}|\.{3,}"
    r"|to[ _-]?do|tbd|dummy|placeholder|example|insert.*here|secret|password|null|none|undefined|test|foo|bar"
    r"|(?:change|replace)[ _-]?me.*|django-insecure-.*",
    re.IGNORECASE,
)
POSTGRES = frozenset({"postgres", "postgresql", "postgis"})
ACCOUNT = re.compile(r"[0-9a-f]{32}")


def mistake_in(name: str, value: str, example: str = "") -> str:
    """The mistake in a value, on one line, or an empty text. `example` is the value in the stack's example file."""
    if value != value.strip() and "\n" not in value.strip():  # a key with several lines ends with a newline
        return "has spaces around it"
    if SECRET.search(name) and (PLACEHOLDER.fullmatch(value) or value == example):
        return "is a placeholder, not a value"
    if name == "CLOUDFLARE_ACCOUNT_ID" and not ACCOUNT.fullmatch(value):
        return "is not an account id, which has 32 hexadecimal digits"
    return address_mistake(name, value) if ADDRESS.search(name) else ""


def address_mistake(name: str, value: str) -> str:
    """The mistake in an address; empty if none is known."""
    if value.startswith("/") and "DATABASE" not in name:
        return ""  # a path on the same host: STATIC_URL, LOGIN_URL
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "is not a URL"
    has_target = parts.hostname or (parts.scheme.startswith(("sqlite", "file", "unix")) and parts.path)
    if not parts.scheme or not has_target or port == 0 or re.search(r"\s", value):
        return "is not a URL"
    if name.startswith("NEON_") and parts.scheme not in POSTGRES:
        return "is not the URL of a Postgres database"
    return ""
