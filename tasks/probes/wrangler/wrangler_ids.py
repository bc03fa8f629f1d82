"""Ids and names in a wrangler file of a form that Cloudflare never gives. Standard library only."""

import re
from collections.abc import Iterator

from wrangler_findings import Refusal, Target, text

# The forms of Cloudflare's ids (its API reference, read 2026-11-30).
HEX32 = re.compile(r"[0-9a-fA-F]{32}")
UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
# Section, its list, key, form, the form in words, and the command that prints ids. Wrangler itself refuses a wrong name
# of a bucket. It makes namespaces, databases and buckets without an id during the deploy since 4.45.0 (2025-10-23).
IDS = (
    ("kv_namespaces", (), "id", HEX32, "32 hexadecimal digits", "wrangler kv namespace list"),
    ("d1_databases", (), "database_id", UUID, "a UUID", "wrangler d1 list"),
    ("hyperdrive", (), "id", HEX32, "32 hexadecimal digits", "wrangler hyperdrive list"),
    ("mtls_certificates", (), "certificate_id", UUID, "a UUID", "wrangler mtls-certificate list"),
    ("secrets_store_secrets", (), "store_id", HEX32, "32 hexadecimal digits", "wrangler secrets-store store list"),
    ("routes", (), "zone_id", HEX32, "32 hexadecimal digits", "the overview of the zone in the dashboard"),
)
# Cloudflare's docs, "Create a queue": letters, digits and hyphens, at most 63 of them (read 2026-11-30).
QUEUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
NAMES = (
    ("queues", ("producers",), "queue", QUEUE, "letters, digits and hyphens, at most 63", "wrangler queues list"),
    ("queues", ("consumers",), "queue", QUEUE, "letters, digits and hyphens, at most 63", "wrangler queues list"),
    (
        "queues",
        ("consumers",),
        "dead_letter_queue",
        QUEUE,
        "letters, digits and hyphens, at most 63",
        "wrangler queues list",
    ),
)
# A variable that a script of the deploy may replace: `$ID`, `${ID}`, `{{ id }}`, `<%= id %>`, `%ID%`, `__ID__`.
VARIABLE = re.compile(r"\$\w+|\$\{.+\}|\{\{.+\}\}|<%.+%>|%\w+%|__\w+__|@@?\w+@@?|#\{.+\}#?")


def id_refusals(target: Target) -> Iterator[Refusal]:
    """Yields the ids and names that have a wrong form. A missing id is fine: wrangler makes the resource."""
    for section, below, key, form, words, listed in (*IDS, *NAMES):
        for item, path in target.tables(section, *below):
            value = text(item.get(key))
            if value and (not form.fullmatch(value) or is_blank(value)):
                owner = text(item.get("binding"))
                what = f"{key} of {owner}" if owner else key
                yield wrong_id(what, value, f"{words}. `{listed}` has the right one", (*path, key))
    account, path = target.text("account_id")
    if account and not HEX32.fullmatch(account):
        yield wrong_id("account_id", account, "32 hexadecimal digits. `wrangler whoami` has the right one", path)


def is_blank(value: str) -> bool:
    """Whether an id has one digit alone, as only placeholders have: `00000000-0000-0000-0000-000000000000`."""
    return len(set(value.replace("-", ""))) == 1 and len(value) >= 32


def wrong_id(what: str, value: str, right: str, path: tuple[str | int, ...]) -> Refusal:
    """Returns the finding for one id: open if a script may replace it before the deploy."""
    if VARIABLE.fullmatch(value):
        message = f"{what} is the variable {value}, and predeploy does not run what replaces it"
        return Refusal(rule="unfilled_id", message=message, path=path, value=value, is_open=True)
    why = "a placeholder that Cloudflare refuses" if is_blank(value) else "which Cloudflare refuses"
    message = f"{what} is {value!r}, {why}: it is {right}"
    return Refusal(rule="wrong_id", message=message, path=path, value=value)
