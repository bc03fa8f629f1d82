"""Finds an extension of Postgres that the run's server does not have, and names the package that has it. Pure."""

import re

_ABSENT = (
    re.compile(r'extension "(?P<name>[^"\n]+)" is not available'),
    re.compile(r'could not open extension control file "[^"\n]*/(?P<name>[\w-]+)\.control"', re.IGNORECASE),
)
_VERSION = re.compile(r"postgresql/(?P<version>\d+)/extension/")
_CONTRIB = re.compile(
    r"(?:btree_gin|btree_gist|citext|cube|dict_int|dict_xsyn|earthdistance|fuzzystrmatch|hstore|intarray|isn|ltree"
    r"|pg_stat_statements|pg_trgm|pgcrypto|pgstattuple|seg|tablefunc|unaccent|uuid-ossp|xml2)"
)
_DEBIAN = (
    (re.compile(r"postgis(?:_\w+)?|address_standardizer"), "postgis-3"),
    (re.compile(r"vector"), "pgvector"),
    (re.compile(r"pg_(cron|partman|repack)"), r"\1"),
    (re.compile(r"(pgrouting|hll|ip4r|rum|pgaudit|h3)"), r"\1"),
)
"""By name of an extension, the end of the name of Debian's package after `postgresql-VERSION-`."""
_IMAGES = {"postgis-3": "postgis/postgis:17-3.5", "pgvector": "pgvector/pgvector:pg17"}


def absent_extension(text: str) -> str:
    """Returns the name of the extension that is absent, or an empty text."""
    return next((match["name"] for pattern in _ABSENT if (match := pattern.search(text))), "")


def extension_reason(name: str, text: str) -> str:
    """Returns the reason of the missing verdict, with the way out on each engine. `text` is the error's."""
    matches = ((pattern.fullmatch(name), end) for pattern, end in _DEBIAN)
    package = next((match.expand(end) for match, end in matches if match), "")
    found = _VERSION.search(text)
    version = found["version"] if found else "VERSION"
    here = f"postgresql-{version}-{package}" if package else "postgresql-contrib" if _CONTRIB.fullmatch(name) else ""
    server = "" if found else "postgresql "  # the packaged Postgres has no extensions
    install = f"apt-get install -y {server}{here}" if here else "install it on this machine"
    image = _IMAGES.get(package, "…")
    return (
        f'this run\'s Postgres has no extension "{name}". On the embedded engine: {install}. In containers, name an '
        f'image that has it: PREDEPLOY_IMAGES=\'{{"postgres": "{image}"}}\''
    )
