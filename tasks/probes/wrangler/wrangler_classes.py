"""Durable Objects of a wrangler file: each class is migrated once, and exported by the bundle. Standard library only.

Source: Cloudflare's docs, "Durable Objects migrations", and the errors 10061 and 10070 of the Workers API (read
2026-11-30). Since Wrangler 4.107 `exports` may replace `migrations`.
"""

from collections.abc import Iterator, Mapping

from wrangler_file import Keys
from wrangler_findings import Refusal, Target, table, text, texts

LIVE_STATES = ("created", "expecting-transfer")


def live_classes(target: Target) -> dict[str, Keys]:
    """Returns the classes that the migrations and `exports` leave, each with the path of its last mention."""
    live: dict[str, Keys] = {}
    for step, path in target.tables("migrations"):
        for key in ("new_classes", "new_sqlite_classes"):
            names = texts(step.get(key))
            live |= {name: (*path, key, place) for place, name in enumerate(names)}
        for key in ("renamed_classes", "transferred_classes"):
            moves = step.get(key)
            for place, move in enumerate(moves if isinstance(moves, list) else ()):
                if key == "renamed_classes":
                    live.pop(text(table(move).get("from")), None)
                live[text(table(move).get("to"))] = (*path, key, place, "to")
        for name in texts(step.get("deleted_classes")):
            live.pop(name, None)
    exports, path = target.get("exports")
    for name, entry in table(exports).items():
        if table(entry).get("type") == "durable-object" and table(entry).get("state", "created") in LIVE_STATES:
            live[name] = (*path, name)
    return live


def own_bindings(target: Target) -> Iterator[tuple[Mapping[str, object], Keys]]:
    """Yields the bindings to classes of this Worker, without those of other Workers."""
    own = target.text("name")[0]
    for binding, path in target.tables("durable_objects", "bindings"):
        script = text(binding.get("script_name"))
        if not script or (script == own and not target.environment):
            yield binding, path


def unmigrated(target: Target) -> Iterator[Refusal]:
    """Yields the bindings to classes that no migration makes."""
    live = live_classes(target)
    for binding, path in own_bindings(target):
        name = text(binding.get("class_name"))
        if name and name not in live:
            message = (
                f"the Durable Object {name} has no migration, so that Cloudflare refuses its first deploy (10061): "
                f'add "{name}" to `new_sqlite_classes` of a new migration'
            )
            yield Refusal(rule="no_migration", message=message, path=(*path, "class_name"), value=name)


def unexported(target: Target, exports: frozenset[str], entry: str) -> Iterator[Refusal]:
    """Yields the migrated classes that the entry point does not export."""
    for name, path in live_classes(target).items():
        if name and name not in exports:
            message = (
                f"the migrations make the Durable Object {name}, and {entry} exports no such class, so that Cloudflare "
                f"refuses the deploy (10070): export it, or add it to `deleted_classes`"
            )
            yield Refusal(rule="no_export", message=message, path=path, value=name)
