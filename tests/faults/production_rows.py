"""Faults of what production sets and starts: settings, server and entry scripts. Data only."""

from tests.faults.fault import EMBEDDED, WEB, Edit, Fault, red, replace, write

DOCKERFILE = f"{WEB}/Dockerfile"
SERVE = 'CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000"]'
WSGI, MANAGE = f"{WEB}/config/wsgi.py", f"{WEB}/manage.py"
SAME = "from config.settings import *  # noqa: F403\n"


def starts(command: str) -> Edit:
    """Another command in the Dockerfile."""
    return replace(DOCKERFILE, SERVE, command)


def mode(file: str, bits: int) -> Edit:
    """Another mode of a file."""
    return lambda stack: (stack / file).chmod(bits)


def for_development(file: str) -> Edit:
    """A default that names settings for development."""
    return replace(file, '"config.settings"', '"config.settings_dev"')


def script(text: str) -> Edit:
    """A script that the image runs."""
    return write(f"{WEB}/start.sh", f"#!/bin/sh\nset -e\n{text}\n")


RUN_SCRIPT = starts('CMD ["sh", "/app/start.sh"]')
ENTRY = f"{WEB}/entrypoint.sh"
BY_ENTRY = starts(f'ENTRYPOINT ["./entrypoint.sh"]\n{SERVE}')
SETTINGS_OF_DEVELOPMENT = (for_development(WSGI), for_development(MANAGE), write(f"{WEB}/config/settings_dev.py", SAME))

PRODUCTION_FAULTS = (
    Fault(
        name="production's settings do not load, next to settings for development that do",
        edits=(*SETTINGS_OF_DEVELOPMENT, write(f"{WEB}/config/settings_prod.py", SAME + '\nWORKERS = int("none")\n')),
        red=(red("django_container", "import_error", f"{WEB}/config/settings_prod.py:3", "invalid literal"),),
        engines=EMBEDDED,  # the image loads the same settings
    ),
    Fault(
        name="settings for development next to production's",
        edits=(*SETTINGS_OF_DEVELOPMENT, write(f"{WEB}/config/settings_prod.py", SAME)),
        exit=0,
    ),
    Fault(
        name="the Dockerfile starts a program that no file installs",
        edits=(starts('CMD ["hypercorn", "config.asgi:application"]'),),
        red=(red("django_health", "tool_missing", "", "hypercorn"),),
        engines=EMBEDDED,  # how an image reports an absent program depends on its own runtime
    ),
    Fault(
        name="gunicorn's configuration names a directory of the image",
        edits=(write(f"{WEB}/gunicorn.conf.py", '"""The places in the image."""\n\nchdir = "/app"\n'),),
        exit=0,
        engines=EMBEDDED,  # the image has the directory
    ),
    Fault(
        name="an entry script that sets variables and starts the server",
        edits=(
            RUN_SCRIPT,
            script("export WORKERS=${WORKERS:-1}\ncd /app\nexec gunicorn config.wsgi -w $WORKERS -b :80"),
        ),
        exit=0,
    ),
    Fault(
        name="an entry script that runs a command which no app has",
        edits=(RUN_SCRIPT, script("python manage.py migrate\npython manage.py seed_menu\nexec gunicorn config.wsgi")),
        red=(red("django_container", "deploy_command", f"{WEB}/start.sh:4", "no app of INSTALLED_APPS"),),
    ),
    Fault(
        name="the image starts a script that is not executable",
        edits=(write(ENTRY, '#!/bin/sh\nexec "$@"\n'), BY_ENTRY),
        red=(red("django_container", "image_broken", f"{ENTRY}:1", "not executable"),),
    ),
    Fault(
        name="the image starts a script with the line ends of Windows",
        edits=(write(ENTRY, '#!/bin/sh\r\nexec "$@"\r\n'), mode(ENTRY, 0o755), BY_ENTRY),
        red=(red("django_container", "image_broken", f"{ENTRY}:1", "CRLF"),),
    ),
)
