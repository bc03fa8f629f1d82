"""Runs management commands of a Django project, only on the database that was made for this check.

    managed.py HOST PORT NAME COMMAND [ARGUMENT ...] [--then COMMAND [ARGUMENT ...]]

Runs with the stack's packages and ends as `manage.py COMMAND` would. First it verifies which database the settings
connect to. If that is another database or none, it runs no command, prints one line on stderr, and exits with 75, or
with 77 if the database of the check is gone. If the settings clearly name another database, the program does not
connect to it: it may be production's.
"""

import sys

from predeploy_django import set_up_project, unfit_database


def commands(arguments: list[str]) -> list[list[str]]:
    """Returns the commands, which `--then` separates."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--then":
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def main() -> int:
    _, port, name, *arguments = sys.argv[1:]
    set_up_project()
    from django.core.management import execute_from_command_line

    if code := unfit_database(port, name):
        return code
    for command in commands(arguments):
        execute_from_command_line(["manage.py", *command])
    return 0


if __name__ == "__main__":
    sys.exit(main())
