"""Collects the static files of a Django project as a deploy would, and counts them. Runs with the stack's packages.

Exit codes: 0 collected (or the project has none to collect, which is said), 1 a traceback or nothing was collected.
"""

import json
import os
import sys
from io import StringIO
from pathlib import Path


def say(summary: str, problem: str = "") -> int:
    diagnostics = [{"tool": "collectstatic", "rule": "static_files", "message": problem}] if problem else []
    print(json.dumps({"diagnostics": diagnostics, "summary": summary}))
    return 1 if problem else 0


def settings_module() -> None:
    """Without a configured module manage.py chooses: its default is taken by running it for nothing."""
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        return
    import runpy

    sys.argv = ["manage.py", "help", "--help"]
    stdout, sys.stdout = sys.stdout, StringIO()
    try:
        runpy.run_path("manage.py", run_name="__main__")
    except SystemExit:
        pass
    finally:
        sys.stdout = stdout


def main() -> int:
    sys.path.insert(0, str(Path.cwd()))
    settings_module()
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return say("no static files app")
    from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage

    if not isinstance(staticfiles_storage, StaticFilesStorage):
        return say(f"static files go to {type(staticfiles_storage).__name__}: not collected here")
    if not settings.STATIC_ROOT:
        return say("STATIC_ROOT is not set: no static files to collect")
    call_command("collectstatic", interactive=False, verbosity=0, clear=False)
    count = sum(1 for path in Path(settings.STATIC_ROOT).rglob("*") if path.is_file())
    if not count:
        return say("", f"collectstatic left no file in STATIC_ROOT ({settings.STATIC_ROOT})")
    return say(f"{count} static files")


if __name__ == "__main__":
    sys.exit(main())
