"""Runs a program with a database of its own on the MySQL server that the person gives, and drops it afterwards.

    on_mysql.py [--migrate] -- PROGRAM [ARGUMENT ...]

Runs with the driver of the stack. PREDEPLOY_MYSQL_URL is the server: its user may create databases. The database has a
random name. The program finds its address in PREDEPLOY_MYSQL. The databases that Django's test runner derives from it
are dropped, too, and those of runs that were killed a day ago. Ends as the program does, or with 77 if the server
refuses the connection.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

SERVER, DATABASE = "PREDEPLOY_MYSQL_URL", "PREDEPLOY_MYSQL"
GONE = 77
NAME = re.compile(r"(?:test_)?predeploy_(?P<begun>[0-9a-f]{8})_[0-9a-f]{16}(?:_\w+)?")
DAY = 86_400
MIGRATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
"""


def connect(url: str) -> Any:
    """Connects to the server with mysqlclient, else with PyMySQL."""
    parts = urlsplit(url)
    account = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    try:
        driver = import_module("MySQLdb")
    except ImportError:
        driver = import_module("pymysql")
    # an address, because `localhost` would mean a socket
    host = "127.0.0.1" if parts.hostname in {None, "localhost"} else parts.hostname
    return driver.connect(host=host, port=parts.port or 3306, connect_timeout=10, **account)


def execute(connection: Any, statement: str) -> list[Any]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall() or ())


def drop(url: str, own: str) -> None:
    """Drops the database, those of test runners with its name, and old ones that a killed run has left."""
    with closing(connect(url)) as connection:
        for (name,) in execute(connection, "SHOW DATABASES"):
            found = NAME.fullmatch(str(name))
            if found and (own in name or int(found["begun"], 16) < time.time() - DAY):
                execute(connection, f"DROP DATABASE `{name}`")


def run(argv: list[str], env: dict[str, str]) -> int:
    """Runs a program. SIGTERM and SIGINT of this process end it. Returns 127 if there is no such program."""
    if shutil.which(argv[0], path=env.get("PATH")) is None:
        print(f"{argv[0]}: not found", file=sys.stderr)
        return 127
    with subprocess.Popen(argv, env=env) as child:

        def forward(number: int, _: FrameType | None) -> None:
            child.send_signal(number)

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, forward)
        code = child.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    options, argv = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
    env = dict(os.environ)
    url, name = env.pop(SERVER), f"predeploy_{int(time.time()):08x}_{secrets.token_hex(8)}"
    try:
        with closing(connect(url)) as connection:
            execute(connection, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    except Exception as error:  # each driver has its own errors
        print(f"the MySQL server of {SERVER} made no database: {error}", file=sys.stderr)
        return GONE
    env[DATABASE] = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    try:
        code = run([sys.executable, "-c", MIGRATE], env) if "--migrate" in options else 0
        return code or run(argv, env)
    finally:
        drop(url, name)


if __name__ == "__main__":
    sys.exit(main())
