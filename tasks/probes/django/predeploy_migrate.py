"""Runs the migrations that a database lacks, within time limits, and locates a failure."""

import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from predeploy_blame import blame, line_of, statements
from predeploy_mark import file_of
from predeploy_sqlite import blame_rows, is_file

LIMIT = 30
"""Seconds for one statement, and for waiting for a lock. During them, the table is locked or the deploy waits."""
SLOW = {"57014": "a statement", "55P03": "waiting for a lock"}
BEFORE_ITS_DEPENDENCY = re.compile(r"is applied before its dependency (\w+)\.(\w+)")


class MigrationFailedError(Exception):
    """The error of a migration or of the database. `name` is empty if no migration was running."""

    def __init__(self, error: BaseException, name: str, file: str | None, line: int | None) -> None:
        super().__init__(str(error))
        self.error, self.name, self.file, self.line = error, name, file, line
        self.cause = ""
        """The row and the column that the statement did not fit."""
        self.server = next((each for each in chain(error) if sqlstate(each)), None)

    @property
    def is_slow(self) -> bool:
        """Whether the failure is a time limit."""
        return sqlstate(self.server) in SLOW

    def diagnostic(self) -> dict[str, Any]:
        """Returns the failure as a diagnostic."""
        said = str(self.error).strip().partition("\n")[0] or type(self.error).__name__
        rule = type(self.error).__name__
        if self.server is not None:
            rule = sqlstate(self.server)
            diag = getattr(self.server, "diag", None)
            parts = [getattr(diag, "message_primary", "") or said, getattr(diag, "message_detail", "") or ""]
            said = f"{'. '.join(filter(None, parts))} (SQLSTATE {rule})"
        if self.is_slow:
            said = f"{SLOW[rule]} took more than {LIMIT} s, during which its tables stay locked: {said}"
        if self.cause:
            said = f"{said}: {self.cause}"
        of = f"{self.name} does not apply to the deployed database: " if self.name else ""
        return {
            "tool": "migrate",
            "file": self.file,
            "line": self.line,
            "message": of + said,
            "rule": rule,
        }


def migrate(within: Path) -> int:
    """Runs the command `migrate`, which the stack may override. Returns the number of applied migrations."""
    from django.core.management import execute_from_command_line
    from django.db import DEFAULT_DB_ALIAS, connection
    from django.db.backends.signals import connection_created
    from django.db.migrations.executor import MigrationExecutor

    running: list[Any] = []
    applied = 0
    apply = MigrationExecutor.apply_migration

    def followed(executor: Any, state: Any, migration: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal applied
        running.append(migration)
        state = apply(executor, state, migration, *args, **kwargs)
        running.pop()
        applied += 1
        return state

    def limited(connection: Any, **_: Any) -> None:
        if connection.alias == DEFAULT_DB_ALIAS and not is_file(connection):
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{LIMIT}s'; SET statement_timeout = '{LIMIT}s'")

    MigrationExecutor.apply_migration = followed
    connection_created.connect(limited)
    connection.close()
    failed: list[str] = []
    try:
        with statements(connection, failed):
            execute_from_command_line(["manage.py", "migrate", "--noinput", "--skip-checks", "--no-color"])
    except (Exception, SystemExit) as error:
        raise failure(error, running, failed, within) from error
    finally:
        MigrationExecutor.apply_migration = apply
        connection_created.disconnect(limited)
        connection.close()
    return applied


def failure(error: BaseException, running: list[Any], refused: list[str], within: Path) -> MigrationFailedError:
    """Returns the failure of the command with its place and cause. `refused` may have the refused statement."""
    from django.db import connection

    traceback.print_exc()
    # a management command reports a known error and raises SystemExit
    why = error.__context__ if isinstance(error, SystemExit) and error.__context__ else error
    found = located(why, running[-1] if running else None, within)
    if is_file(connection):
        found.cause = blame_rows(connection, str(why))
    elif found.server is not None:
        connection.close()
        found.cause = blame(connection, found.server, refused[0] if refused else "")
    return found


def located(error: BaseException, migration: Any, within: Path) -> MigrationFailedError:
    """Returns the failure with the migration's file, and its last line in the traceback."""
    if migration is None:
        file = out_of_order(error, within)
        return MigrationFailedError(error, "", file, None)
    file = file_of(migration, within)
    path = getattr(sys.modules.get(migration.__module__), "__file__", None)
    lines = [
        frame.lineno
        for each in chain(error)
        for frame in traceback.extract_tb(each.__traceback__)
        if frame.filename == path
    ]
    line = (lines[-1] if lines else line_of(error, path, migration)) if file else None
    return MigrationFailedError(error, str(migration), file, line)


def out_of_order(error: BaseException, within: Path) -> str | None:
    """Returns the file of an unapplied migration that an applied one depends on, or None."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    found = BEFORE_ITS_DEPENDENCY.search(str(error))
    migration = MigrationLoader(connection).disk_migrations.get(found.groups()) if found else None
    return migration and file_of(migration, within)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an exception and its causes, the newest first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def sqlstate(error: BaseException | None) -> str:
    """Returns the server's error code. psycopg calls it `sqlstate`, psycopg2 `pgcode`."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
