"""A management command of a Django project, on the database made for this check and on no other.

    managed.py HOST PORT NAME COMMAND [ARGUMENT ...] [--then COMMAND [ARGUMENT ...]]

Runs with the stack's packages and ends as `manage.py COMMAND` would. Before it, the connection that the settings make
is asked which database it is; another one, or none: one line on stderr, exit code 75 (77: the right one is gone), and
nothing is run. A database that the settings name and that is plainly another one is not even connected to: it may be
production's.
"""

import sys

from predeploy_django import set_up_project, unfit_database


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
    set_up_project()
    from django.core.management import execute_from_command_line

    if code := unfit_database(port, name):
        return code
    for command in commands(arguments):
        execute_from_command_line(["manage.py", *command])
    return 0


if __name__ == "__main__":
    sys.exit(main())
