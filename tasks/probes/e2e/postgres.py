"""Runs queries on Postgres through libpq: rows as text, and every field of an error.

Queries use the extended protocol, as Neon's proxy does: `$1` placeholders, one statement, text in and out. psycopg is
imported only for libpq.
"""

import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import OperationalError, pq
from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PollingStatus
from psycopg.pq.abc import PGconn, PGresult

CONNECT_LIMIT = 20.0
"""Seconds. A server that takes longer counts as lost."""
FIELDS = {
    "code": DiagnosticField.SQLSTATE,
    "detail": DiagnosticField.MESSAGE_DETAIL,
    "hint": DiagnosticField.MESSAGE_HINT,
    "position": DiagnosticField.STATEMENT_POSITION,
    "internalPosition": DiagnosticField.INTERNAL_POSITION,
    "internalQuery": DiagnosticField.INTERNAL_QUERY,
    "severity": DiagnosticField.SEVERITY,
    "where": DiagnosticField.CONTEXT,
    "table": DiagnosticField.TABLE_NAME,
    "column": DiagnosticField.COLUMN_NAME,
    "schema": DiagnosticField.SCHEMA_NAME,
    "dataType": DiagnosticField.DATATYPE_NAME,
    "constraint": DiagnosticField.CONSTRAINT_NAME,
    "file": DiagnosticField.SOURCE_FILE,
    "line": DiagnosticField.SOURCE_LINE,
    "routine": DiagnosticField.SOURCE_FUNCTION,
}
# The server is shutting down, or is out of disk, memory or connections. The query did not cause that.
FATAL = {"FATAL", "PANIC"}
SYSTEM = ("53", "57P", "58000", "58030")
NUL = b"\xff"
"""Replaces a NUL in a parameter: libpq would cut the text there. Postgres refuses this byte as it refuses a NUL."""


class Lost(Exception):  # noqa: N818
    """The server cannot be reached, or was lost. The result of the query is unknown."""


class Gone(Exception):  # noqa: N818
    """The client closed the connection while its query ran. The query was cancelled."""


class TooLargeError(Exception):
    """The rows exceed the limit of an answer."""


class DbError(Exception):
    """An error of Postgres. `fields` has its parts under Neon's names."""

    def __init__(self, message: str, fields: Mapping[str, str | None], *, lost: bool = False) -> None:
        super().__init__(message)
        self.fields = fields
        self.lost = lost


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """A column of a result."""

    name: str
    oid: int
    table: int
    number: int
    size: int
    modifier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The result of a query. `tag` is Postgres's command tag, such as `INSERT 0 1`. `size` is the bytes of the rows."""

    tag: str
    columns: tuple[ResultColumn, ...] = ()
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    size: int = 0

    @property
    def command(self) -> str:
        return self.tag.split(" ")[0]

    @property
    def count(self) -> int | None:
        """Rows returned or affected; None where the command has none."""
        words = self.tag.split(" ")[2 if self.command == "INSERT" else 1 :]
        return int(words[0]) if words and words[0].isdigit() else None


def connection_info(url: str) -> bytes:
    """Returns libpq's connection string. Raises psycopg.ProgrammingError if `url` is not a database URL."""
    return make_conninfo(url, client_encoding="UTF8", application_name="predeploy").encode()


def connect(info: bytes) -> PGconn:
    """Returns a connection. Unlike libpq's blocking connect, it does not stop other threads. Raises Lost."""
    deadline = time.monotonic() + CONNECT_LIMIT
    connection = pq.PGconn.connect_start(info)
    while connection.status != ConnStatus.BAD and (status := connection.connect_poll()) != PollingStatus.OK:
        if status == PollingStatus.FAILED:
            break
        poller = select.poll()
        poller.register(connection.socket, select.POLLIN if status == PollingStatus.READING else select.POLLOUT)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            connection.finish()
            raise Lost(f"the server did not take a connection within {CONNECT_LIMIT:g} s")
    if connection.status != ConnStatus.OK:
        message = connection.get_error_message()
        connection.finish()
        raise Lost(message)
    return connection


def run(
    connection: PGconn, sql: str, params: Sequence[str | None] = (), *, room: int, client: socket.socket | None = None
) -> QueryResult:
    """Runs one statement. `room` is the most bytes of its rows. If `client` closes its connection, it is cancelled."""
    given = [None if each is None else each.encode().replace(b"\0", NUL) for each in params]
    columns: tuple[ResultColumn, ...] = ()
    rows: list[tuple[str | None, ...]] = []
    size, tag, error = 0, "", None
    try:
        connection.send_query_params(sql.encode(), given, result_format=0)
        connection.set_single_row_mode()
        for result in results(connection, client):
            if result.status in {ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
                columns = columns or read_columns(result)
                for row in read_rows(result):
                    rows.append(row)
                    size += sum(len(each or "") + 4 for each in row)
                if size > room:
                    raise TooLargeError
                tag = (result.command_status or b"").decode()
            elif result.status == ExecStatus.FATAL_ERROR:
                error = read_error(result, hidden_nul=any(NUL in (each or b"") for each in given))
            elif result.status != ExecStatus.EMPTY_QUERY:
                raise DbError("unexpected message from server", {})  # COPY, which SQL over HTTP cannot do
    except OperationalError as failure:
        raise (error or Lost(str(failure))) from failure
    if error:
        raise error
    return QueryResult(tag=tag, columns=columns, rows=rows, size=size)


def results(connection: PGconn, client: socket.socket | None) -> Iterator[PGresult]:
    """Yields the results of the query that was sent, as they arrive."""
    while True:
        while connection.is_busy():
            await_input(connection, client)
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return
        yield result


def await_input(connection: PGconn, client: socket.socket | None) -> None:
    """Waits for data from the server. If the client closes its connection meanwhile, its query is cancelled."""
    poller = select.poll()
    poller.register(connection.socket, select.POLLIN)
    if client:
        poller.register(client, select.POLLIN)
    ready = {number for number, _ in poller.poll()}
    if client and client.fileno() in ready and connection.socket not in ready:
        if hung_up(client):
            connection.get_cancel().cancel()
            raise Gone
        # the client has sent its next request already: finish this one first
        poller.unregister(client)
        poller.poll()


def hung_up(client: socket.socket) -> bool:
    """Whether the client closed its connection. Call it only if the socket is readable."""
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def read_columns(result: PGresult) -> tuple[ResultColumn, ...]:
    return tuple(
        ResultColumn(
            name=(result.fname(number) or b"").decode(),
            oid=result.ftype(number),
            table=result.ftable(number),
            number=result.ftablecol(number),
            size=result.fsize(number),
            modifier=result.fmod(number),
        )
        for number in range(result.nfields)
    )


def read_rows(result: PGresult) -> Iterator[tuple[str | None, ...]]:
    for row in range(result.ntuples):
        cells = (result.get_value(row, column) for column in range(result.nfields))
        yield tuple(None if cell is None else cell.decode() for cell in cells)


def read_error(result: PGresult, *, hidden_nul: bool = False) -> DbError:
    """Returns all fields of an error. As with Neon, only one of position and internal position is set."""
    said = {name: result.error_field(number) for name, number in FIELDS.items()}
    fields = {name: None if text is None else text.decode("utf-8", "replace") for name, text in said.items()}
    if fields["position"] or not fields["internalPosition"]:
        fields["internalPosition"] = fields["internalQuery"] = None
    message = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
    if fields["code"] is None:
        raise Lost(message or result.get_error_message())
    if hidden_nul and fields["code"] == "22021":
        message = message.replace("0xff", "0x00")
    severity = (result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) or b"").decode()
    lost = severity in FATAL or (fields["code"] or "").startswith(SYSTEM)
    return DbError(message, fields, lost=lost)
