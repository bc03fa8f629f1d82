"""Faults of the machine that validates, not of the code: no verdict, with the reason. Data only."""

from tests.faults.fault import EMBEDDED, WEB, Fault, append, open_, replace, write

DOCKERFILE = f"{WEB}/Dockerfile"
PAGE = """{% extends "admin/base.html" %}{% load static %}
{% block branding %}<script src="{% static 'front/till.js' %}"></script>{% endblock %}
"""
PLACE_FAULTS = (
    Fault(
        name="the code connects to a service at import that this run does not have",
        edits=(
            append(
                f"{WEB}/config/wsgi.py",
                '\nimport socket  # noqa: E402\n\nsocket.create_connection(("127.0.0.1", 1))\n',
            ),
        ),
        red=(open_("django_container", "service_absent", f"{WEB}/config/wsgi.py", "Connection refused"),),
        exit=3,
    ),
    Fault(
        name="a page names a file that the Dockerfile builds with Node",
        edits=(
            replace(DOCKERFILE, "COPY . .\n", "COPY . .\nRUN npm ci && npm run build\n"),
            write(f"{WEB}/templates/admin/base_site.html", PAGE),
        ),
        red=(open_("django_health", "frontend_unbuilt", "", "answered 500"),),
        exit=3,
        engines=EMBEDDED,  # in containers the build of the image makes the file
    ),
    Fault(
        name="production has a newer Python, and the code uses its standard library",
        edits=(
            replace(DOCKERFILE, "python:3.13-slim", "python:3.14-slim"),
            append(f"{WEB}/config/wsgi.py", "\nimport compression.zstd  # noqa: E402, F401\n"),
        ),
        red=(
            open_("django_container", "other_python", f"{WEB}/config/wsgi.py", "No module named 'compression'"),
            open_("mypy", "other_python", f"{WEB}/config/wsgi.py", "compression"),
        ),
        exit=3,
        engines=EMBEDDED,  # containers have every Python
    ),
    Fault(
        name="the Dockerfile installs a system library that is not here",
        edits=(
            replace(DOCKERFILE, "WORKDIR /app\n", "RUN apt-get install -y libnosuch1\nWORKDIR /app\n"),
            append(f"{WEB}/config/wsgi.py", '\nimport ctypes  # noqa: E402\n\nctypes.CDLL("libnosuch.so.1")\n'),
        ),
        red=(open_("django_container", "system_package", f"{WEB}/config/wsgi.py:13", "libnosuch.so.1"),),
        exit=3,
        engines=EMBEDDED,  # in containers the image has what its Dockerfile installs
    ),
    Fault(
        name="the code asks a host at import, and no network is there",
        edits=(
            append(
                f"{WEB}/config/wsgi.py",
                '\nimport urllib.request  # noqa: E402\n\nurllib.request.urlopen("https://rates.invalid/")\n',
            ),
        ),
        red=(open_("django_container", "network", f"{WEB}/config/wsgi.py", "Name or service not known"),),
        exit=3,
    ),
    Fault(
        name="the code reads a file of production's machine",
        edits=(
            append(
                f"{WEB}/config/wsgi.py",
                '\nfrom pathlib import Path  # noqa: E402\n\nPath("/srv/cafe/rates.json").read_text()\n',
            ),
        ),
        red=(open_("django_container", "variable_absent", f"{WEB}/config/wsgi.py", "/srv/cafe/rates.json"),),
        exit=3,
        engines=EMBEDDED,  # the image has what production has, so there it is a failure
    ),
)
