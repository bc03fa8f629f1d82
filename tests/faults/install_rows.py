"""Faults of an installation that are not the code's: no check may fail for them. Data only."""

from tests.faults.fault import WEB, Fault, append, cut, open_, write

LOCK = f"{WEB}/requirements.lock"
NEEDS_LIBPQ = 'raise SystemExit("Error: pg_config executable not found.")\n'

INSTALLS: tuple[Fault, ...] = (
    Fault(
        name="a private index of the requirements does not answer",
        edits=(cut(LOCK, r"\A", "--extra-index-url https://packages.invalid/simple/\n"),),
        red=(open_("django_container", "private_source", "", "packages.invalid"),),
        exit=3,
    ),
    Fault(
        name="a package needs a library that is not here",
        edits=(append(LOCK, "./vendor/own\n"), write(f"{WEB}/vendor/own/setup.py", NEEDS_LIBPQ)),
        red=(open_("django_container", "build_failed", "", "pg_config"),),
        exit=3,
    ),
)
