"""Reads a table of the check's database: its columns, number of rows, and the rows with a given word. Needs psycopg."""

import json
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

COLUMNS = """
SELECT attname, attnotnull AND NOT (atthasdef OR attidentity <> '' OR attgenerated <> '')
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


@dataclass(frozen=True)
class Table:
    """A table. `columns` maps names to whether a row needs a value for them. It is empty if there is no such table."""

    connection: Connection[Any]
    name: str
    columns: dict[str, bool]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.name.split("."))

    def count(self) -> int:
        """Returns the number of rows."""
        if not self.columns:
            return 0
        return int(self.fetch(sql.SQL("SELECT count(*) FROM {}").format(self.identifier))[0][0])

    def rows(self, word: str) -> list[dict[str, object]]:
        """Returns the rows that hold a word in any column."""
        if not self.columns:
            return []
        query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t WHERE strpos(to_jsonb(t)::text, {}) > 0")
        return [row[0] for row in self.fetch(query.format(self.identifier, sql.Literal(word)))]

    def remember(self, row: dict[str, object]) -> None:
        """Stores a row as the table's comment, for stored_row.py. Only this check uses the database."""
        query = sql.SQL("COMMENT ON TABLE {} IS {}")
        self.connection.execute(query.format(self.identifier, sql.Literal(json.dumps(row))))

    def fetch(self, query: sql.Composed) -> list[Any]:
        return self.connection.execute(query).fetchall()


def open_table(connection: Connection[Any], name: str) -> Table:
    """Returns the table of that name, even if it does not exist."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
    return Table(connection, name, dict(connection.execute(COLUMNS, (quoted,)).fetchall()))


def same(there: object, sent: object, *, exact: bool) -> bool:
    """Whether a column holds the value that was sent. Unless `exact`, case and outer spaces may differ."""
    if exact or not isinstance(there, str):
        return str(there) == str(sent)
    return there.strip().casefold() == str(sent).strip().casefold()
