"""Answers queries of Neon's SQL over HTTP from a real Postgres, with the texts of Neon's proxy.

Status 400: Postgres refused the query. 413: the body is over the limit. 507: the rows are. 500: there is no server.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import neon_cells as cells
import postgres
from neon_request import LIMIT, Mode, Query, RefusedQueryError, check_size
from postgres import DbError, Gone, Lost, QueryResult, TooLargeError
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn

ITEMS = (
    "SELECT oid, typelem FROM pg_catalog.pg_type"
    " WHERE oid = ANY($1::pg_catalog.oid[]) AND typelem <> 0 AND typlen = -1 AND typcategory = 'A'"
)
OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
NO_FIELDS: dict[str, str | None] = {**dict.fromkeys(postgres.FIELDS), "code": "", "severity": ""}
"""The fields of an error of the proxy itself: code and severity are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Neon's answer to a failure, and the facts for the log.

    `sqlstate` is Postgres's code, even if Neon's answer leaves it out. `lost`: the server failed, not the query.
    """

    status: int
    message: str
    fields: Mapping[str, str | None] = field(default_factory=lambda: NO_FIELDS)
    sqlstate: str | None = None
    lost: bool = False

    @property
    def body(self) -> bytes:
        return cells.dump({"message": self.message, **self.fields}).encode()


def read_failure(error: Exception) -> Failure:
    """Returns the failure for an exception. Raises the exception again if it is unknown."""
    message = str(error)
    match error:
        case RefusedQueryError():
            return Failure(status=error.status, message=message, sqlstate=error.sqlstate)
        case DbError():
            fields = error.fields or NO_FIELDS
            status, state = 500 if error.lost else 400, fields["code"] or None
            return Failure(status=status, message=message, fields=fields, sqlstate=state, lost=error.lost)
        case TooLargeError():
            return Failure(status=507, message=f"response is too large (max is {LIMIT} bytes)")
        case Gone():
            return Failure(status=499, message="the client closed the connection, and the query was cancelled")
        case Lost():
            return Failure(status=500, message=f"Couldn't connect to compute node: {message}", lost=True)
        case ValueError():
            return Failure(status=500, message="could not parse postgres response")
    raise error


@dataclass(slots=True, kw_only=True)
class QueryWork:
    """The queries of one request. `results` grows while they run: after a failure it has those that succeeded."""

    queries: Sequence[Query]
    mode: Mode
    batch: bool
    results: list[QueryResult] = field(default_factory=list)

    @property
    def failed(self) -> str:
        """The text of the query that failed."""
        return self.queries[len(self.results)].text if len(self.results) < len(self.queries) else "COMMIT"

    def run(self, info: bytes, client: socket.socket | None = None) -> bytes:
        """Runs the queries on a new connection, a batch in one transaction. Returns the body of the answer."""
        connection = postgres.connect(info)
        try:
            self.run_all(connection, client)
            elements = {} if self.mode.raw else self.item_types(connection)
        except (DbError, RefusedQueryError):
            if connection.transaction_status in OPEN:
                postgres.run(connection, "ROLLBACK", room=LIMIT)  # before the answer: the next request may wait for it
            raise
        finally:
            connection.finish()
        written = []
        for query, result in zip(self.queries, self.results, strict=True):
            arrays = self.mode.arrays if query.arrays is None else query.arrays
            written.append(write_result(result, arrays=arrays, raw=self.mode.raw, elements=elements))
        return (f'{{"results":[{",".join(written)}]}}' if self.batch else written[0]).encode()

    def run_all(self, connection: PGconn, client: socket.socket | None) -> None:
        if self.batch:
            postgres.run(connection, self.mode.begin, room=LIMIT)
        room = LIMIT
        for query in self.queries:
            check_size(query)
            self.results.append(postgres.run(connection, query.text, query.params, room=room, client=client))
            room -= self.results[-1].size
        if self.batch:
            postgres.run(connection, "COMMIT", room=LIMIT)

    def item_types(self, connection: PGconn) -> dict[int, int]:
        """Returns the item types of the array types among the columns."""
        oids = sorted({column.oid for result in self.results for column in result.columns})
        items = postgres.run(connection, ITEMS, [cells.array_literal(oids)], room=LIMIT)
        return {int(oid or 0): int(item or 0) for oid, item in items.rows}


def write_result(result: QueryResult, *, arrays: bool, raw: bool, elements: Mapping[int, int]) -> str:
    """Returns one result as Neon writes it. Raises ValueError for a cell that does not fit its type."""
    fields = [
        {
            "name": column.name,
            "dataTypeID": column.oid,
            "tableID": column.table,
            "columnID": column.number,
            "dataTypeSize": column.size,
            "dataTypeModifier": column.modifier,
            "format": "text",
        }
        for column in result.columns
    ]
    rows = []
    for row in result.rows:
        each = [
            cells.write_cell(text, column.oid, raw=raw, elements=elements)
            for text, column in zip(row, result.columns, strict=True)
        ]
        rows.append(write_row(each, () if arrays else [column.name for column in result.columns]))
    tail = cells.dump({"command": result.command, "rowCount": result.count, "rowAsArray": arrays})[1:]
    return f'{{"fields":{cells.dump(fields)},"rows":[{",".join(rows)}],{tail}'


def write_row(values: Sequence[str], names: Sequence[str]) -> str:
    """Returns a row as an array, or with names as an object. Of a duplicate name, the last value counts."""
    if not names:
        return f"[{','.join(values)}]"
    return "{" + ",".join(f"{cells.quote(name)}:{value}" for name, value in zip(names, values, strict=True)) + "}"
