"""Runs the cases of the driver's tests through libpq, and returns the outcomes in the driver's format."""

from typing import Any

from psycopg import pq

from tests.probes.neon_cases import Batch, Case

D = pq.DiagnosticField
FIELDS = {
    "message": D.MESSAGE_PRIMARY,
    "severity": D.SEVERITY,
    "code": D.SQLSTATE,
    "detail": D.MESSAGE_DETAIL,
    "hint": D.MESSAGE_HINT,
    "position": D.STATEMENT_POSITION,
    "internalPosition": D.INTERNAL_POSITION,
    "internalQuery": D.INTERNAL_QUERY,
    "where": D.CONTEXT,
    "schema": D.SCHEMA_NAME,
    "table": D.TABLE_NAME,
    "column": D.COLUMN_NAME,
    "dataType": D.DATATYPE_NAME,
    "constraint": D.CONSTRAINT_NAME,
    "file": D.SOURCE_FILE,
    "line": D.SOURCE_LINE,
    "routine": D.SOURCE_FUNCTION,
}
Outcome = dict[str, Any]


def run_directly(connection: pq.abc.PGconn, case: Case) -> Outcome:
    """Returns the result of a case, or the error with all its fields."""
    params = [None if each is None else each.encode() for each in case.params]
    result = connection.exec_params(case.query.encode(), params)
    if result.status == pq.ExecStatus.FATAL_ERROR:
        said = {name: result.error_field(number) for name, number in FIELDS.items()}
        return {
            "error": {"name": "NeonDbError", **{name: text.decode() for name, text in said.items() if text is not None}}
        }
    words = (result.command_status or b"").decode().split()
    columns = range(result.nfields)
    cells = [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]
    value = {
        "command": words[0] if words else "",
        "rowCount": int(words[-1]) if words and words[-1].isdigit() else None,
        "rows": [[None if cell is None else cell.decode() for cell in row] for row in cells],
        "fields": [
            {
                "name": (result.fname(column) or b"").decode(),
                "dataTypeID": result.ftype(column),
                "tableID": result.ftable(column),
                "columnID": result.ftablecol(column),
                "dataTypeSize": result.fsize(column),
                "dataTypeModifier": result.fmod(column),
                "format": "text",
            }
            for column in columns
        ],
    }
    return {"value": value}


def run_batch_directly(connection: pq.abc.PGconn, batch: Batch) -> Outcome:
    """Returns the first error, or the results of all queries."""
    simple = [Case(query=batch.begin), *batch.queries, Case(query="COMMIT")]
    outcomes = []
    for case in simple:
        outcomes.append(run_directly(connection, case))
        if "error" in outcomes[-1]:
            run_directly(connection, Case(query="ROLLBACK"))
            return outcomes[-1]
    return {"value": [each["value"] for each in outcomes[1:-1]]}
