"""What is read in the output of tracebacks."""

import pytest

from tests.diagnostics.captures import assert_reads, names

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "traceback/app_not_found": ("error - [ModuleNotFoundError] No module named 'nosuch_app'",),
    "traceback/chained": ("error apps/tb/inbox/a.py:8 [RuntimeError] outer",),
    "traceback/collectstatic": (
        "error - [ImproperlyConfigured] You're using the staticfiles app without having set the STATIC_ROOT s",
    ),
    "traceback/collectstatic_manifest": (
        "error - [ValueError] The file 'missing.png' could not be found with <django.contrib.staticfiles.stor",
    ),
    "traceback/duplicate_app": (
        "error - [ImproperlyConfigured] Application labels aren't unique, duplicates: staticfiles",
    ),
    "traceback/group": ("error apps/tb/inbox/g.py:1 [ExceptionGroup] many (2 sub-exceptions) ValueError: a",),
    "traceback/import_cycle": (
        "error apps/tb/inbox/b.py:1 [ImportError] cannot import name 'one' from partially initialized module",
    ),
    "traceback/indentation": (
        "error apps/tb/inbox/a.py:2 [IndentationError] expected an indented block after function definition o",
    ),
    "traceback/key_error": ("error apps/tb/config/settings.py:27 [KeyError] 'DEBUG_FLAG'",),
    "traceback/module_not_found": (
        "error apps/tb/config/settings.py:26 [ModuleNotFoundError] No module named 'nosuch_dep'",
    ),
    "traceback/no_manage": ("error apps/tb/manage.py [no_file] No such file or directory",),
    "traceback/no_settings": ("error - [ModuleNotFoundError] No module named 'nosuch'",),
    "traceback/settings_syntax": ("error apps/tb/config/settings.py:26 [SyntaxError] invalid syntax: DEBUG = = True",),
}


@pytest.mark.parametrize("name", names("traceback"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])
