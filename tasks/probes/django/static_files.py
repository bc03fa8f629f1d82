"""Imports the modules that the server imports, then collects the static files as a deploy would, and counts them.

Runs with the stack's packages and prints one JSON document. Exit codes: 0 collected, or nothing to collect (the
summary has the reason); 1 the import failed (a traceback); 5 the static files could not be collected; 6 a command
that the deploy runs cannot run.
"""

import argparse
import json
import os
import re
import sys
import traceback
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from predeploy_django import is_sqlite, migrate_file, set_up_project

DEBUGS = (
    "DEBUG is on in {}, as in no production: set `settings` or `env` of the component in predeploy.toml to production's"
)


def say(summary: str, problem: str, warnings: list[str]) -> int:
    from django.conf import settings

    found = [{"severity": "warning", "message": text} for text in warnings]
    found += [{"severity": "error", "message": problem}] if problem else []
    diagnostics = [{"tool": "collectstatic", "rule": "static_files", **each} for each in found]
    gaps = [DEBUGS.format(os.environ.get("DJANGO_SETTINGS_MODULE", "the settings"))] if settings.DEBUG else []
    print(json.dumps({"diagnostics": diagnostics, "summary": summary} | ({"gaps": gaps} if gaps else {})))
    return 5 if problem else 0


def leave_out_missing(within: Path, image: str) -> list[str]:
    """Removes missing directories from STATICFILES_DIRS, as newer versions of Django do. Returns the warnings."""
    from django.conf import settings

    places = [(Path(each[1] if isinstance(each, (list, tuple)) else each), each) for each in settings.STATICFILES_DIRS]
    settings.STATICFILES_DIRS = [each for place, each in places if place.is_dir()]
    missing = [
        place.resolve().relative_to(within.resolve()) if is_within(place, within) else place
        for place, _ in places
        if not place.is_dir()
    ]
    return [
        f"STATICFILES_DIRS: {place} is not in the tree. {image} must build it; no image was built in this run"
        for place in missing
    ]


def collect(within: Path, spare: Path, said: StringIO) -> tuple[str, str]:
    """Collects into STATIC_ROOT, or into `spare` if that is outside the tree. Returns a summary or a problem.

    `said` gets what `collectstatic` prints about errors.
    """
    from django.apps import apps
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
    from django.core.management import call_command

    if not apps.is_installed("django.contrib.staticfiles"):
        return "no static files app", ""
    if not settings.STATIC_ROOT:
        return "STATIC_ROOT is not set: no static files to collect", ""
    aside = not is_within(Path(settings.STATIC_ROOT), within)
    if aside:  # a path such as /var/www of this machine does not belong to the stack
        settings.STATIC_ROOT = str(spare)
    if not isinstance(staticfiles_storage, StaticFilesStorage):
        return f"static files go to {staticfiles_storage.__class__.__name__}: not collected here", ""
    place = Path(staticfiles_storage.location)
    if not aside and not is_within(place, within):
        return f"static files go to {place}, which is outside the tree: not collected here", ""
    call_command("collectstatic", interactive=False, verbosity=0, clear=False, stderr=said)
    count = sum(1 for path in place.rglob("*") if path.is_file())
    if not count and any(True for finder in get_finders() for _ in finder.list([])):
        return "", f"collectstatic left no file in STATIC_ROOT ({place})"
    return f"{count} static file{'s' * (count != 1)}", ""


def unprocessed(error: Exception, said: str, within: Path) -> dict[str, Any]:
    """Returns the finding for the file that names a missing one, such as a style sheet, if it is in the stack."""
    from django.contrib.staticfiles.finders import find

    named = re.search(r"Post-processing '(?P<name>.+)' failed!", said)
    absent = re.search(r"The file '(?P<name>[^']+)' could not be found", str(error))
    source = find(named["name"]) if named and absent else None
    if not source or not absent or not is_within(Path(source), within):
        return {}
    last = absent["name"].rpartition("/")[2]
    lines = Path(source).read_text("utf-8", "replace").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if last in text), None)
    place = {"file": str(Path(source).resolve().relative_to(within.resolve())), "line": line}
    return {"tool": "collectstatic", "rule": "static_files", "severity": "error", "message": absent[0], **place}


def impossible(words: list[str]) -> str:
    """Returns why a command of manage.py that the deploy runs cannot run, or an empty text."""
    from django.apps import apps
    from django.conf import settings
    from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
    from django.core.management import get_commands

    name, *arguments = words
    if name not in {*get_commands(), "help", "version"}:
        return f"no app of INSTALLED_APPS has the command {name}"
    if name == "collectstatic" and apps.is_installed("django.contrib.staticfiles") and not settings.STATIC_ROOT:
        return "STATIC_ROOT is not set" if isinstance(staticfiles_storage, StaticFilesStorage) else ""
    if name == "loaddata" and not any(each.startswith("-") for each in arguments):
        return next((f"there is no fixture {each}" for each in arguments if not has_fixture(each)), "")
    return ""


def has_fixture(label: str) -> bool:
    """Whether an app, FIXTURE_DIRS or the current directory has a fixture, in any format and compression."""
    from django.apps import apps
    from django.conf import settings

    folders = [Path(each.path) / "fixtures" for each in apps.get_app_configs()]
    folders += [*map(Path, settings.FIXTURE_DIRS), Path()]
    places = [folder / label for folder in folders]
    return any(place.is_file() or any(place.parent.glob(f"{place.name}.*")) for place in places)


def unfit_calls(calls: list[str]) -> list[dict[str, Any]]:
    """Returns a finding for each command of the deploy that cannot run. `calls` are JSON: words, file and line."""
    found = [(*json.loads(each), impossible(json.loads(each)[0])) for each in calls]
    return [
        {
            "tool": "manage.py",
            "rule": "deploy_command",
            "severity": "error",
            "file": file,
            "line": line,
            "message": f"the deploy runs `manage.py {' '.join(words)}`, and {why}",
        }
        for words, file, line, why in found
        if why
    ]


def compress() -> None:
    """Makes the offline cache of django-compressor, as the image does."""
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    if apps.is_installed("compressor") and getattr(settings, "COMPRESS_OFFLINE", False):
        call_command("compress", force=True, verbosity=0)


def is_within(place: Path, folder: Path) -> bool:
    return place.resolve().is_relative_to(folder.resolve())


def facts() -> dict[str, object]:
    """Returns the hosts and the HTTPS header that the settings accept, for the health check."""
    from django.conf import settings

    name, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    header = name.removeprefix("HTTP_").replace("_", "-").title()
    return {"hosts": list(settings.ALLOWED_HOSTS), "https": [header, value] if name else None}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", help="the modules that the server imports")
    parser.add_argument("--within", type=Path, required=True, help="the stack's root")
    parser.add_argument("--spare", type=Path, required=True, help="where to collect if STATIC_ROOT is outside the root")
    parser.add_argument(
        "--facts", type=Path, required=True, help="the file for the health check: hosts and HTTPS header"
    )
    parser.add_argument("--compress", action="store_true", help="the image runs the command of django-compressor")
    parser.add_argument("--image", default="", help="the Dockerfile whose image builds more static files")
    parser.add_argument("--call", action="append", default=[], help="JSON: words, file and line of a deploy's command")
    options = parser.parse_args()
    out = sys.stdout
    with redirect_stdout(sys.stderr):  # settings may print
        set_up_project(options.modules)
        options.facts.write_text(json.dumps(facts()), encoding="utf-8")
        unfit = unfit_calls(options.call)
        if unfit:
            print(json.dumps({"diagnostics": unfit, "summary": ""}), file=out)
            return 6
        warnings = leave_out_missing(options.within, options.image) if options.image else []
        said = StringIO()
        try:
            summary, problem = collect(options.within, options.spare, said)
            if options.compress and not problem:
                compress()
        except Exception as error:
            traceback.print_exc()
            found = unprocessed(error, said.getvalue(), options.within)
            if found:
                print(json.dumps({"diagnostics": [found], "summary": ""}), file=out)
            return 5
        if os.environ.get("PREDEPLOY_SQLITE") and is_sqlite():
            with suppress(Exception):  # the check `migrate` reports the error
                migrate_file()  # the server runs in this workspace
    return say(summary, problem, warnings)


if __name__ == "__main__":
    sys.exit(main())
