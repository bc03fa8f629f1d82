"""What is wrong with a value, as far as its name tells what it should look like. Never shows any of it."""

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
    """One line on what is wrong with it; empty where nothing is, or nobody knows. `example` is what a value is not."""
    if value != value.strip() and "\n" not in value.strip():  # a key of several lines ends with one
        return "has blanks around it"
    if SECRET.search(name) and (PLACEHOLDER.fullmatch(value) or value == example):
        return "is a placeholder, not a value"
    if name == "CLOUDFLARE_ACCOUNT_ID" and not ACCOUNT.fullmatch(value):
        return "is not an account's id, which is 32 hexadecimal digits"
    return address_mistake(name, value) if ADDRESS.search(name) else ""


def address_mistake(name: str, value: str) -> str:
    """The same for the address of something."""
    if value.startswith("/") and "DATABASE" not in name:
        return ""  # a path on the same host: STATIC_URL, LOGIN_URL
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "is not a URL"
    has_place = parts.hostname or (parts.scheme.startswith(("sqlite", "file", "unix")) and parts.path)
    if not parts.scheme or not has_place or port == 0 or re.search(r"\s", value):
        return "is not a URL"
    if name.startswith("NEON_") and parts.scheme not in POSTGRES:
        return "is not the URL of a Postgres database"
    return ""
