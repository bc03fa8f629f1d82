"""Imports what the server imports, then collects the static files as a deploy would, and counts them.

Runs with the stack's packages; prints one JSON document. Exit codes: 0 collected (or the project has none to collect,
which is said), 1 the import failed (a traceback), 5 the static files could not be collected.
"""

import argparse
import json
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path

from predeploy_django import set_up_project


def say(summary: str, problem: str, warnings: list[str]) -> int:
    found = [{"severity": "warning", "message": text} for text in warnings]
    found += [{"severity": "error", "message": problem}] if problem else []
    diagnostics = [{"tool": "collectstatic", "rule": "static_files", **each} for each in found]
    print(json.dumps({"diagnostics": diagnostics, "summary": summary}))
    return 5 if problem else 0


def leave_out_missing(within: Path, image: str) -> list[str]:
    """Takes directories that are not there out of STATICFILES_DIRS, as newer versions of Django do themselves."""
    from django.conf import settings

    places = [(Path(each[1] if isinstance(each, (list, tuple)) else each), each) for each in settings.STATICFILES_DIRS]
    settings.STATICFILES_DIRS = [each for place, each in places if place.is_dir()]
    missing = [
        place.resolve().relative_to(within.resolve()) if is_within(place, within) else place
        for place, _ in places
        if not place.is_dir()
    ]
    return [
        f"STATICFILES_DIRS: {place} is not in the tree; {image} has to build it, and no image was built here"
        for place in missing
    ]


def collect(within: Path, spare: Path) -> tuple[str, str]:
    """Collects where the settings say, or into `spare` if that is no place of the tree: a summary, or a problem."""
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
    if aside:  # /var/www of this machine is not the stack's
        settings.STATIC_ROOT = str(spare)
    if not isinstance(staticfiles_storage, StaticFilesStorage):
        return f"static files go to {staticfiles_storage.__class__.__name__}: not collected here", ""
    place = Path(staticfiles_storage.location)
    if not aside and not is_within(place, within):
        return f"static files go to {place}, which is no place of the tree: not collected here", ""
    call_command("collectstatic", interactive=False, verbosity=0, clear=False)
    count = sum(1 for path in place.rglob("*") if path.is_file())
    if not count and any(True for finder in get_finders() for _ in finder.list([])):
        return "", f"collectstatic left no file in STATIC_ROOT ({place})"
    return f"{count} static file{'s' * (count != 1)}", ""


def is_within(place: Path, folder: Path) -> bool:
    return place.resolve().is_relative_to(folder.resolve())


def facts() -> dict[str, object]:
    """What a request has to look like for these settings: for the one that asks the server."""
    from django.conf import settings

    name, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    header = name.removeprefix("HTTP_").replace("_", "-").title()
    return {"hosts": list(settings.ALLOWED_HOSTS), "https": [header, value] if name else None}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", help="what the server imports")
    parser.add_argument("--within", type=Path, required=True, help="the stack's root")
    parser.add_argument("--spare", type=Path, required=True, help="where to collect if STATIC_ROOT is outside of it")
    parser.add_argument("--facts", type=Path, required=True, help="where to write what the health check has to know")
    parser.add_argument("--image", default="", help="the Dockerfile whose image builds static files of its own")
    options = parser.parse_args()
    with redirect_stdout(sys.stderr):  # settings may print
        set_up_project(options.modules)
        options.facts.write_text(json.dumps(facts()), encoding="utf-8")
        warnings = leave_out_missing(options.within, options.image) if options.image else []
        try:
            summary, problem = collect(options.within, options.spare)
        except Exception:
            traceback.print_exc()
            return 5
    return say(summary, problem, warnings)


if __name__ == "__main__":
    sys.exit(main())
