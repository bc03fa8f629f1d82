"""What is read in the output of manage.py."""

import pytest

from tasks.diagnostics import parse
from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "django_check/clean": (),
    "django_check/deploy": (
        "warning - [security.W004] You have not set a value for the SECURE_HSTS_SECONDS setting. If your enti",
        "warning - [security.W008] Your SECURE_SSL_REDIRECT setting is not set to True. Unless your site shou",
        "warning - [security.W009] Your SECRET_KEY has less than 50 characters, less than 5 unique characters",
        "warning - [security.W012] SESSION_COOKIE_SECURE is not set to True. Using a secure-only session cook",
        "warning - [security.W016] You have 'django.middleware.csrf.CsrfViewMiddleware' in your MIDDLEWARE, b",
        "warning - [security.W018] You should not have DEBUG set to True in deployment.",
        "warning - [security.W020] ALLOWED_HOSTS must not be empty in deployment.",
    ),
    "django_check/errors": (
        "error apps/dj/inbox/admin.py [admin.E108] The value of 'list_display[1]' refers to 'nothere', which",
        "error - [fields.E304] inbox.Old.a: Reverse accessor 'Submission.old_set' for 'inbox.Old.a' clashes w",
        "error - [fields.E304] inbox.Old.a: Reverse accessor 'Submission.old_set' for 'inbox.Old.a' clashes w",
        "error - [fields.E304] inbox.Old.b: Reverse accessor 'Submission.old_set' for 'inbox.Old.b' clashes w",
        "error - [fields.E304] inbox.Old.b: Reverse accessor 'Submission.old_set' for 'inbox.Old.b' clashes w",
        "error - [fields.E304] inbox.Old.c: Reverse accessor 'Submission.old_set' for 'inbox.Old.c' clashes w",
        "error - [fields.E304] inbox.Old.c: Reverse accessor 'Submission.old_set' for 'inbox.Old.c' clashes w",
        "error - [models.E015] inbox.Submission: 'ordering' refers to the nonexistent field, related field, o",
        "warning - [fields.W340] inbox.Old.c: null has no effect on ManyToManyField.",
    ),
    "django_check/pg_down": (),
    "django_check/unknown_command": ("error - [usage] Unknown command: 'nosuch'",),
    "django_check/urls": (
        "error apps/tb/config/urls.py:2 [ImportError] cannot import name 'views' from 'config' (apps/tb/confi",
    ),
    "django_check/usage": ("error - [usage] manage.py check: error: unrecognized arguments: --nosuch",),
    "migrations/check_clean": (),
    "migrations/clean": (),
    "migrations/import_error": (
        "error apps/dj/inbox/migrations/0002_data.py:1 [ModuleNotFoundError] No module named 'nothing_here'",
    ),
    "migrations/leaves": (
        "error apps/dj/inbox/migrations/0002_three.py [conflicting_migrations] two leaf migrations in inbox:",
        "error apps/dj/inbox/migrations/0002_two.py [conflicting_migrations] two leaf migrations in inbox: 00",
    ),
    "migrations/leaves_make": (
        "error apps/dj/inbox/migrations/0002_three.py [conflicting_migrations] two leaf migrations in inbox:",
        "error apps/dj/inbox/migrations/0002_two.py [conflicting_migrations] two leaf migrations in inbox: 00",
    ),
    "migrations/migrate_check_clean": (),
    "migrations/missing": (
        "error apps/dj/inbox/models.py [missing_migration] inbox lacks a migration: Add field when to submiss",
    ),
    "migrations/missing_migrate": ("warning - [models_changed] models in 'inbox' have changes that no migration has",),
    "migrations/missing_node": (
        "error apps/dj/inbox/migrations/0002_two.py [NodeNotFoundError] Migration inbox.0002_two dependencies",
    ),
    "migrations/pg_cast": (
        "error apps/dj/inbox/migrations/0002_data.py [InvalidTextRepresentation] inbox.0002_data: invalid inp",
    ),
    "migrations/pg_down": (
        'error - [OperationalError] connection failed: connection to server at "127.0.0.1", port 54398 failed',
    ),
    "migrations/pg_no_database": (
        'error - [OperationalError] connection failed: connection to server at "127.0.0.1", port 54399 failed',
    ),
    "migrations/pg_syntax": (
        'error apps/dj/inbox/migrations/0002_data.py [SyntaxError] inbox.0002_data: syntax error at or near "',
    ),
    "migrations/pg_too_long": (
        "error apps/dj/inbox/migrations/0002_data.py:6 [StringDataRightTruncation] inbox.0002_data: value too",
    ),
    "migrations/pg_undefined_table": (
        'error apps/dj/inbox/migrations/0002_data.py [UndefinedTable] inbox.0002_data: relation "nope" does n',
    ),
    "migrations/pg_unique": (
        "error apps/dj/inbox/migrations/0002_data.py [UniqueViolation] inbox.0002_data: could not create uniq",
    ),
    "migrations/question": (
        "error - [missing_migration] Field 'extra' on model 'submission' not migrated: it is impossible to ad",
    ),
    "migrations/run_python": (
        "error apps/dj/inbox/migrations/0002_data.py:5 [LookupError] inbox.0002_data: App 'inbox' doesn't hav",
    ),
    "migrations/sqlite": (
        "error apps/dj/inbox/migrations/0002_data.py [OperationalError] inbox.0002_data: no such table: nope",
    ),
    "migrations/unapplied": (),
    "migrations/unapplied_none": (),
    "migrations/unapplied_shown": (
        "error apps/dj/inbox/migrations/0002_second.py [unapplied_migration] inbox.0002_second is not applied",
    ),
    "migrations/unapplied_plan": (
        "error apps/dj/inbox/migrations/0002_data.py [unapplied_migration] inbox.0002_data is not applied",
    ),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "django_check/clean": ("no issues (0 silenced)", None),
    "django_check/deploy": ("7 issues (0 silenced)", None),
    "django_check/errors": ("9 issues (0 silenced)", None),
    "django_check/pg_down": ("no issues (0 silenced)", None),
    "migrations/check_clean": ("No changes detected", None),
    "migrations/clean": ("19 migrations applied", None),
}


@pytest.mark.parametrize("name", names("django_check", "migrations"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts


def test_hint_is_a_sentence_of_its_own() -> None:
    text = "WARNINGS:\n?: (shop.W003) BASE_URL is not set\n\tHINT: Set it.\n\nSystem check identified 1 issue.\n"

    (found,) = parse("django_check", stdout="", stderr=text, root="/stack", cwd=".").diagnostics

    assert found.message == "BASE_URL is not set. Set it."
