"""Carries files between the workspaces of the two trees of a check, through the database of the check.

    carried.py put|get DIRECTORY

Runs with predeploy's own packages and DATABASE_URL. `put` stores the files of the directory, `get` writes them into it.
A directory without files, and a database without them, are nothing to do. Prints one JSON document.
"""

import json
import os
import sys
from pathlib import Path

import psycopg

TABLE = "predeploy_carried"


def put(connection: "psycopg.Connection[tuple[object, ...]]", directory: Path) -> None:
    """Stores the files."""
    files = sorted(path for path in directory.glob("*") if path.is_file())
    if files:
        connection.execute(f"CREATE TABLE {TABLE} (name text PRIMARY KEY, content bytea NOT NULL)")
    for path in files:
        connection.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", [path.name, path.read_bytes()])  # noqa: S608 - a constant


def get(connection: "psycopg.Connection[tuple[object, ...]]", directory: Path) -> None:
    """Writes the files."""
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE]).fetchone()
    rows = connection.execute(f"SELECT name, content FROM {TABLE}").fetchall() if found and found[0] else []  # noqa: S608 - the same
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in rows:
        assert isinstance(content, bytes)
        (directory / Path(str(name)).name).write_bytes(content)


def main() -> int:
    action, directory = sys.argv[1:]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        (put if action == "put" else get)(connection, Path(directory))
    print(json.dumps({"summary": ""}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
