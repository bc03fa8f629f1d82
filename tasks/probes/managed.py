"""A management command of a Django project, on the database made for this check and on no other.

    managed.py HOST PORT NAME COMMAND [ARGUMENT ...] [--then COMMAND [ARGUMENT ...]]

Runs with the stack's packages and ends as `manage.py COMMAND` would. Before it, the connection that the settings make
is asked which database it is; another one, or none: one line on stderr, exit code 75, and nothing is run. A database
that the settings name and that is plainly another one is not even connected to: it may be production's.
"""

import sys

from predeploy_django import enter_manage, enter_project

HELP = (
    "Have them read DATABASE_URL or PG*, or set their own variables in predeploy.toml "
    '([component."path".env], with {db.url}, {db.host}, {db.port}, {db.user}, {db.password}, {db.name})'
)


def other_database(port: str, name: str) -> str:
    """What the settings talk to, where it is not the database of this check."""
    from django.db import Error, connection

    given = connection.settings_dict
    if connection.vendor != "postgresql":
        return f"{connection.vendor} database {given['NAME']}"
    place = f"{given['HOST'] or 'localhost'}:{given['PORT'] or '5432'}"
    shown = f"PostgreSQL database {given['NAME'] or '(not named)'} at {place}"
    # what is left out, the driver takes from PG*
    if (given["PORT"] and str(given["PORT"]) != port) or (given["NAME"] and given["NAME"] != name):
        return shown
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), current_setting('port')")
            there = cursor.fetchone()
    except Error as error:
        return f"{shown}, which refuses ({str(error).strip().partition(chr(10))[0]})"
    finally:
        connection.close()
    return "" if (there[0], str(there[1])) == (name, port) else f"PostgreSQL database {there[0]} at port {there[1]}"


def commands(arguments: list[str]) -> list[list[str]]:
    """The commands between `--then`."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--then":
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def main() -> int:
    _, port, name, *arguments = sys.argv[1:]
    enter_project()
    enter_manage()
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    if other := other_database(port, name):
        print(f"the settings use the {other}, not the one of this check: nothing was proven. {HELP}", file=sys.stderr)
        return 75
    for command in commands(arguments):
        execute_from_command_line(["manage.py", *command])
    return 0


if __name__ == "__main__":
    sys.exit(main())
