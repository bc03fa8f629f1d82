"""Recognises database errors that a missing migration causes. Pure."""

import re

RULE = "missing_migration"
"""The rule of a diagnostic about a change of models that no migration has."""
_APP = re.compile(r"(?P<app>\w+) lacks a migration: (?P<operation>.+)", re.DOTALL)
_ADVICE = re.compile(r"\. Run: .*", re.DOTALL)
_LACKING = (
    re.compile(r'column "?(?:\w+\.)?"?(?P<name>\w+)"?(?: of relation "\w+")? (?:does not exist|violates not-null)'),
    re.compile(r'relation "(?:\w+\.)?(?P<name>\w+)" does not exist'),
    re.compile(r"no such (?:table|column): (?:\w+\.)?(?P<name>\w+)"),
    re.compile(r"has no column named (?P<name>\w+)"),
    re.compile(r"NOT NULL constraint failed: \w+\.(?P<name>\w+)"),
)


def changed_names(message: str) -> frozenset[str]:
    """The tables and columns that a missing migration would change; empty for any other message.

    `shop lacks a migration: Add field tags to item` gives `tags`, `tags_id`, `shop_item_tags` and others.
    """
    found = _APP.match(message)
    if found is None:
        return frozenset()
    words = re.findall(r"\w+", _ADVICE.sub("", found["operation"]).lower())
    tables = {f"{found['app']}_{word}" for word in words}
    relations = {f"{table}_{word}" for table in tables for word in words}  # of many-to-many fields
    return frozenset({*words, *(f"{word}_id" for word in words), *tables, *relations})


def lacking_name(message: str) -> str:
    """The table or column that a database error misses; empty for any other message."""
    found = next(filter(None, (pattern.search(message) for pattern in _LACKING)), None)
    return found["name"].lower() if found else ""
