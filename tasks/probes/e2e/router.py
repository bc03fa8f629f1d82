"""Answers a Worker's outbound requests: those to its database from a real Postgres, all others with a refusal.

Every request is logged.
"""

import json
import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore

from neon_request import (
    NeonAccount,
    Query,
    RefusedQueryError,
    check_account,
    endpoint_host,
    read_account,
    read_body,
    read_mode,
)
from neon_sql import Failure, QueryWork, read_failure
from postgres import DbError, Gone, Lost, QueryResult, TooLargeError
from request_log import QUERIES, RequestLog, cut, hide_values

LOG_HOST, LOG_PATH = "predeploy.invalid", "/predeploy/log"
CONNECTIONS = 20
"""The most simultaneous connections. More would use up those of the stack's other checks."""
PREFLIGHT = {
    "Allow": "OPTIONS, POST",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, "
    "Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request. Header names are lower-case. `body` is None if it was over the limit. `client` is the open socket."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = b""
    client: socket.socket | None = None

    @property
    def upgrades(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """An answer, and the facts for the log. Without a `kind` it is not logged."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    reason: str = ""
    queries: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The router of one Worker.

    `account` is the database account that the Worker was given, or None. `info` is libpq's connection string of the
    real database. `room` limits the connections.
    """

    account: NeonAccount | None
    info: bytes
    request_log: RequestLog
    room: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(CONNECTIONS))

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answers a request and logs it."""
        if (request.method, request.host, request.path) == ("GET", LOG_HOST, LOG_PATH):
            return HttpReply(status=200, body=json.dumps(self.request_log.read()).encode())
        try:
            reply = self.route(request)
        except Exception as error:  # a fault of this service must not look like one of the Worker
            traceback.print_tb(error.__traceback__)  # without the message, which may hold values of parameters
            reason = f"this service failed: {type(error).__name__}"
            reply = HttpReply(status=500, body=explain(reason), kind="lost", reason=reason)
        asked = {"method": request.method, "host": request.host, "path": cut(request.path.partition("?")[0])}
        said = {"kind": reply.kind, "status": reply.status, "queries": reply.queries, "reason": reply.reason}
        self.request_log.record(asked | said)
        return reply

    def route(self, request: HttpRequest) -> HttpReply:
        account = self.account
        if account is None or endpoint_host(request.host) not in (*account.hosts, account.token_host):
            return refuse(request)
        if reason := find_unspoken(request, account):
            return HttpReply(status=501, body=explain(reason), kind="unspoken", reason=reason)
        if request.path != "/sql" or request.method not in {"POST", "OPTIONS"}:
            reason = "Neon answers POST /sql and OPTIONS /sql, and nothing else"
            return HttpReply(status=400, body=b'"query is not supported"', kind="sql", reason=reason)
        if request.method == "OPTIONS":
            return HttpReply(status=200, body=b"", headers=PREFLIGHT, kind="sql")
        return self.answer_sql(request, account)

    def answer_sql(self, request: HttpRequest, account: NeonAccount) -> HttpReply:
        """Runs the queries of a request. Every failure has its own answer and log entry."""
        work = None
        everyone = {"Access-Control-Allow-Origin": "*"}
        try:
            mode = read_mode(request.headers)
            given = read_account(request.headers.get("neon-connection-string"))
            queries, batch = read_body(request.body)
            work = QueryWork(queries=queries, mode=mode, batch=batch)
            check_account(given, account)
            with self.room:
                body = work.run(self.info, request.client)
        except (RefusedQueryError, DbError, Lost, Gone, TooLargeError, ValueError) as error:
            failure = read_failure(error)
            kind = "lost" if failure.lost else "sql"
            described = describe(work, failure)
            reason = str(described[-1]["message"]) if described else failure.message
            answer = HttpReply(status=failure.status, body=failure.body, headers=everyone)
            return replace(answer, kind=kind, reason=reason, queries=described)
        echo = mode.echo if batch else {}
        return HttpReply(status=200, body=body, headers=everyone | echo, kind="sql", queries=describe(work, None))


def refuse(request: HttpRequest) -> HttpReply:
    """Returns the answer to a request for another host than the database."""
    reason = f"{request.host or 'a request without a host'} is not reachable: only the Worker's database is"
    return HttpReply(status=502, body=explain(reason), kind="refused", reason=reason)


def explain(reason: str) -> bytes:
    return json.dumps({"error": f"predeploy: {reason}"}).encode()


def find_unspoken(request: HttpRequest, account: NeonAccount) -> str:
    """Returns why this service cannot answer a request to the database that Neon would answer, or an empty text."""
    if request.upgrades:
        return "Pool and Client of the driver use a WebSocket; predeploy supports only neon(), which uses HTTP"
    if request.method == "CONNECT":
        return "the Worker opens a TCP connection to its database; predeploy supports only Neon's SQL over HTTP"
    if "authorization" in request.headers or request.host == account.token_host != account.host:
        return "the Worker logs in with a token (authToken); predeploy supports only the password in the URL"
    return ""


def describe(work: QueryWork | None, failure: Failure | None) -> list[dict[str, object]]:
    """Returns the log entry of each query that ran, and of the one that failed."""
    if work is None:
        return []
    ran = [describe_query(query.text, result) for query, result in zip(work.queries, work.results, strict=False)]
    if failure is None:
        return ran[:QUERIES]
    return [*ran[: QUERIES - 1], describe_failure(work.failed, work.queries, failure)]


def describe_query(text: str, result: QueryResult | None) -> dict[str, object]:
    nothing = dict.fromkeys(("sqlstate", "message", "detail", "column", "table", "constraint"))
    command, rows = (result.command, result.count) if result else (None, None)
    return {"query": cut(text), "command": command, "rows": rows, **nothing}


def describe_failure(text: str, queries: Sequence[Query], failure: Failure) -> dict[str, object]:
    params = [param for query in queries for param in query.params]
    known = " ".join([text, *(failure.fields[name] or "" for name in ("column", "table", "constraint"))])
    said = {"message": failure.message, "detail": failure.fields["detail"]}
    hidden = {name: cut(hide_values(value, params, known)) if value else value for name, value in said.items()}
    places = {name: failure.fields[name] for name in ("column", "table", "constraint")}
    return describe_query(text, None) | {"sqlstate": failure.sqlstate} | hidden | places
