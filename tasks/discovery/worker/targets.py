"""Resolves the section of an environment in a wrangler file, with wrangler's own inheritance."""

import re
from collections.abc import Sequence

from tasks.discovery.documents import Table, string, table
from tasks.discovery.worker.deploy_words import PLAIN

# The keys that a section `env.NAME` does not inherit from the top level. Wrangler inherits all others.
NOT_INHERITED = frozenset(
    (
        *("ai", "ai_search", "analytics_engine_datasets", "browser", "cloudchamber", "containers", "d1_databases"),
        *("define", "dispatch_namespaces", "durable_objects", "hyperdrive", "images", "kv_namespaces", "logfwdr"),
        *("media", "mtls_certificates", "pipelines", "queues", "r2_buckets", "ratelimits", "secrets"),
        *("secrets_store_secrets", "send_email", "services", "stream", "tail_consumers", "unsafe", "vars", "vectorize"),
        *("version_metadata", "vpc_networks", "vpc_services", "worker_loaders", "workflows"),
    )
)
# Options with the value of a key.
_SINGLE = {"--name": "name", "--compatibility-date": "compatibility_date"}
# The path of a Worker's code, which stands without an option.
_SCRIPT = re.compile(r"^[^-].*\.(?:[cm]?[jt]sx?|py)$")
# The names of production's section, the likeliest first.
PRODUCTION = ("production", "prod", "prd", "live")


def target_of(document: Table, environment: str) -> Table:
    """Returns what a deploy to an environment reads. Without an environment, or without its section: the top level."""
    common = {key: value for key, value in document.items() if key != "env"}
    if environment not in table(document, "env"):
        return common
    own = table(document, "env", environment)
    name = string(document, "name")
    inherited = {key: value for key, value in common.items() if key not in NOT_INHERITED}
    # a Worker of a section has the section in its name, unless the section has its own name
    named = {"name": f"{name}-{environment}"} if name else {}
    return {**inherited, **named, **own}


def given_by(options: Sequence[str]) -> dict[str, object]:
    """Returns the values of a wrangler file that options of the command line replace. `vars` has those to add."""
    found: dict[str, object] = {}
    rest = [*options]
    while rest:
        option = rest.pop(0)
        values: list[str] = []
        while rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
        if option == "--var":
            pairs = (value.partition(":") for value in values)
            found["vars"] = {**table(found, "vars"), **{name: value for name, _, value in pairs}}
        elif option in {"--compatibility-flag", "--compatibility-flags"}:
            found["compatibility_flags"] = [flag for value in values for flag in value.split(",")]
        elif option in _SINGLE and values:
            found[_SINGLE[option]] = values[0]
        elif not option.startswith("-") or option in PLAIN:
            scripts = [word for word in (option, *values) if _SCRIPT.search(word)]
            found |= {"main": scripts[0]} if scripts else {}
    return found


def with_options(document: Table, options: Sequence[str]) -> Table:
    """Returns the target as a deploy with these options of wrangler reads it."""
    given = given_by(options)
    variables = {"vars": {**table(document, "vars"), **table(given, "vars")}} if "vars" in given else {}
    return {**document, **given, **variables}


def section_with_main(document: Table) -> str:
    """Returns the environment to deploy if only sections have an entry point; empty if the top level has one."""
    if string(document, "main") or string(document, "assets", "directory"):
        return ""
    having = [name for name in table(document, "env") if string(document, "env", name, "main")]
    likely = [name for name in PRODUCTION if name in having]
    return next(iter((*likely, *having)), "")
