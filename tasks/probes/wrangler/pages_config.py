"""What Pages refuses of a wrangler file with `pages_build_output_dir`. Standard library only.

Source: the validation of Pages' configuration in wrangler 4.156 (read 2026-12-01).
"""

from collections.abc import Iterator
from pathlib import Path

from wrangler_file import WranglerFile, read_wrangler_file
from wrangler_findings import Refusal, table, text

# Keys of Workers. Newer versions of wrangler may know more keys of Pages, so that this list has no bindings.
WORKER_KEYS = (
    *("account_id", "alias", "assets", "base_dir", "build", "containers", "define", "dispatch_namespaces"),
    *(
        "find_additional_modules",
        "logpush",
        "main",
        "migrations",
        "minify",
        "observability",
        "route",
        "routes",
        "rules",
    ),
    *("site", "tail_consumers", "triggers", "workflows"),
)
ENVIRONMENTS = ("preview", "production")


def config_refusals(config: Path, name: str) -> Iterator[Refusal]:
    """Yields what is refused of a wrangler file of Pages, whose name in the stack is given."""
    source = read_wrangler_file(config, name)
    if source is None or not text(source.document.get("pages_build_output_dir")):
        return
    for path, message in _problems(source):
        # a header such as [env.staging.vars] names a table only with a part of it
        below = (line for keys, line in source.lines.items() if keys[: len(path)] == path)
        yield Refusal(rule="pages_config", message=message, file=name, line=min(below, default=1) if path else 1)


def _problems(source: WranglerFile) -> Iterator[tuple[tuple[str, ...], str]]:
    document = source.document
    for key in WORKER_KEYS:
        if document.get(key) not in (None, False, [], {}):
            yield (key,), f"Pages refuses a wrangler file with `{key}`, which is for Workers: remove it"
    if table(document.get("queues")).get("consumers"):
        yield ("queues", "consumers"), "Pages refuses consumers of queues: a Worker can consume them"
    for name in table(document.get("env")):
        if name not in ENVIRONMENTS:
            yield ("env", name), f"Pages refuses the environment {name}: it has only `preview` and `production`"
    if not text(document.get("name")).strip():
        yield (), "Pages refuses a wrangler file without `name`, the name of the project"
