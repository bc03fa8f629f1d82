"""What Cloudflare refuses of a deploy, and the sections of the wrangler file that count. Standard library only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wrangler_file import Keys

# The keys that an environment of the wrangler file does not inherit from the top level (Cloudflare's docs of
# Wrangler's configuration, "Non-inheritable keys", and the validation of Wrangler 4.125, read 2026-11-30).
OWN_KEYS = frozenset(
    {
        *("ai", "analytics_engine_datasets", "browser", "d1_databases", "dispatch_namespaces", "durable_objects"),
        *("hyperdrive", "images", "kv_namespaces", "mtls_certificates", "pipelines", "queues", "r2_buckets"),
        *("ratelimits", "secrets", "secrets_store_secrets", "send_email", "services", "tail_consumers", "unsafe"),
        *("vars", "vectorize", "version_metadata", "workflows"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One finding. `path` and `value` lead to its line in the wrangler file, unless it has a `file` of its own.

    `is_open`: another program may still change the value before the deploy, so that there is no verdict.
    """

    rule: str
    message: str
    path: Keys = ()
    value: object = None
    severity: str = "error"
    file: str = ""
    line: int | None = None
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """The sections of a wrangler file that a deploy of `environment` uses. Without one it uses the top level."""

    document: Mapping[str, object]
    environment: str = ""
    own: Mapping[str, object] = field(init=False)

    def __post_init__(self) -> None:
        """Looks the environment's sections up once."""
        object.__setattr__(self, "own", table(table(self.document.get("env")).get(self.environment)))

    def get(self, key: str) -> tuple[object, Keys]:
        """Returns the value of a key, and the path to it."""
        if self.environment and (key in OWN_KEYS or key in self.own):
            return self.own.get(key), ("env", self.environment, key)
        return self.document.get(key), (key,)

    def tables(self, key: str, *below: str) -> Iterator[tuple[Mapping[str, object], Keys]]:
        """Yields the tables of a list with their paths."""
        value, path = self.get(key)
        for inner in below:
            value, path = table(value).get(inner), (*path, inner)
        for place, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, Mapping):
                yield item, (*path, place)

    def text(self, key: str) -> tuple[str, Keys]:
        """Returns the text of a key, or an empty one, and the path to it."""
        value, path = self.get(key)
        return text(value), path


def table(value: object) -> Mapping[str, object]:
    """Returns a table, or an empty one for another value."""
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str:
    """Returns a text, or an empty one for another value."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """Returns the texts of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
