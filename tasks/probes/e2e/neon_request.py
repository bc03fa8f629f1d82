"""Parses and validates requests to Neon's SQL over HTTP. Pure.

Only the account that the Worker was given (`NeonAccount`) has access. Every refusal has the text of Neon's proxy.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import neon_cells as cells
import postgres
from postgres import DbError

LIMIT = 64 << 20
"""Bytes of a request's body, and of an answer's rows: what Neon documents for queries over HTTP."""
PARAMS = 65535
LEVELS = {
    "ReadUncommitted": "READ UNCOMMITTED",
    "ReadCommitted": "READ COMMITTED",
    "RepeatableRead": "REPEATABLE READ",
    "Serializable": "SERIALIZABLE",
}
ISOLATION, READ_ONLY, DEFERRABLE = "neon-batch-isolation-level", "neon-batch-read-only", "neon-batch-deferrable"


class RefusedQueryError(Exception):
    """A refusal by the proxy itself. `sqlstate` is Postgres's code for it, which Neon's answer leaves out."""

    def __init__(self, status: int, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.sqlstate = sqlstate


@dataclass(frozen=True, slots=True, kw_only=True)
class NeonAccount:
    """User, password, database and host of a connection string."""

    user: str
    password: str = field(repr=False)
    database: str
    host: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of its SQL endpoint: its own name, and the driver's, which has `api` as the first label."""
        return (self.host, with_label("api", self.host))

    @property
    def token_host(self) -> str:
        """The host that the driver uses with a JWT instead of a password."""
        return with_label("apiauth", self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One statement of a request. `arrays`: whether its rows are arrays; None: as the request's headers say."""

    text: str
    params: tuple[str | None, ...] = ()
    arrays: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """The options in a request's headers: the format of rows, and the transaction of a batch."""

    raw: bool = False
    arrays: bool = False
    level: str = ""
    read_only: bool = False
    deferrable: bool = False

    @property
    def begin(self) -> str:
        words = ["BEGIN", f"ISOLATION LEVEL {LEVELS[self.level]}"] if self.level else ["BEGIN"]
        return " ".join(words + ["READ ONLY"] * self.read_only + ["DEFERRABLE"] * self.deferrable)

    @property
    def echo(self) -> dict[str, str]:
        """The headers that the answer to a batch repeats."""
        flags = {READ_ONLY: self.read_only, DEFERRABLE: self.deferrable}
        levels = {ISOLATION: self.level} if self.level else {}
        return levels | {name: "true" for name, given in flags.items() if given}


def with_label(label: str, host: str) -> str:
    """Returns a host with another first label. A host without a dot stays as it is."""
    return f"{label}.{host.partition('.')[2]}" if "." in host else host


def endpoint_host(host: str) -> str:
    """Returns the endpoint's own host name for its pooled one (`…-pooler`), in lower case."""
    first, dot, rest = host.lower().partition(".")
    return first.removesuffix("-pooler") + dot + rest


def read_account(url: str | None) -> NeonAccount:
    """Parses a connection string. Raises RefusedQueryError with Neon's text for the mistake."""
    if url is None:
        raise RefusedQueryError(400, "invalid header: neon-connection-string")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise RefusedQueryError(400, "invalid connection string") from None  # its text may hold the password
    if parts.scheme not in {"postgres", "postgresql"}:
        raise RefusedQueryError(400, "incorrect scheme" if parts.scheme else "invalid connection string")
    if not parts.username:
        raise RefusedQueryError(400, "missing username")
    if parts.password is None:
        raise RefusedQueryError(400, "missing authentication credentials: required password")
    if not host:
        raise RefusedQueryError(400, "missing hostname")
    return NeonAccount(
        user=unquote(parts.username),
        password=unquote(parts.password),
        database=unquote(parts.path.removeprefix("/").partition("/")[0]),
        host=endpoint_host(host),
    )


def read_mode(headers: Mapping[str, str]) -> Mode:
    """Parses headers with lower-case names. Flags are on only with the value `true`."""
    level = headers.get(ISOLATION, "")
    if ISOLATION in headers and level not in LEVELS:
        raise RefusedQueryError(400, "invalid isolation level")
    return Mode(
        raw=headers.get("neon-raw-text-output") == "true",
        arrays=headers.get("neon-array-mode") == "true",
        level=level,
        read_only=headers.get(READ_ONLY) == "true",
        deferrable=headers.get(DEFERRABLE) == "true",
    )


def read_body(body: bytes | None) -> tuple[list[Query], bool]:
    """Returns the queries of a body, and whether they are a batch. None stands for a body over the limit."""
    if body is None:
        raise RefusedQueryError(413, f"request is too large (max is {LIMIT} bytes)")
    try:
        data = json.loads(body)
        batch = isinstance(data, dict) and not isinstance(data.get("query"), str)
        queries = [read_query(each) for each in (data["queries"] if batch else [data])]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RefusedQueryError(400, f"could not parse the HTTP request body: {error!r}") from error
    return queries, batch


def read_query(data: dict[str, Any]) -> Query:
    """Parses a query. Raises ValueError, TypeError or KeyError if the data is no query."""
    text, params, arrays = data["query"], data.get("params", []), data.get("arrayMode")
    if not (isinstance(text, str) and isinstance(params, list) and (arrays is None or isinstance(arrays, bool))):
        raise TypeError("query has to be a string, params an array, arrayMode a boolean")
    query = Query(text=text, params=tuple(cells.read_param(each) for each in params), arrays=arrays)
    for each in (text, *query.params):
        (each or "").encode()  # raises for half of a surrogate pair
    return query


def check_account(given: NeonAccount, account: NeonAccount) -> None:
    """Raises unless `given` is the Worker's account. Like Neon, it reports an unknown endpoint as a wrong password."""
    if (given.user, given.password, given.host) != (account.user, account.password, account.host):
        raise RefusedQueryError(400, f"password authentication failed for user '{given.user}'", "28P01")
    if given.database != account.database:
        where = {"file": "postinit.c", "routine": "InitPostgres"}
        fields = dict.fromkeys(postgres.FIELDS) | {"code": "3D000", "severity": "FATAL"} | where
        raise DbError(f'database "{given.database}" does not exist', fields)


def check_size(query: Query) -> None:
    """Raises RefusedQueryError for a query that Postgres's protocol cannot transmit."""
    if "\0" in query.text:
        raise RefusedQueryError(400, "error encoding message to server: string contains embedded null")
    if len(query.params) > PARAMS:
        raise RefusedQueryError(400, "error encoding message to server: value too large to transmit")
