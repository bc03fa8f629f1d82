"""predeploy_requests.py in a real Django project: the traceback of a request, with places in templates."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.probes.conftest import PROBES

pytestmark = [pytest.mark.real, pytest.mark.network]
VISIT = """
import sys
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
import django

def page(request):
    return render(request, "page.html")

def broken(request):
    try:
        {}["gone"]
    except KeyError as error:
        raise LookupError("no such thing") from error

urlpatterns = [path("", page), path("broken", broken)]
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, STATIC_URL="/static/", STATIC_ROOT="collected", ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"]}],
)
django.setup()
from django.test import Client
print(Client(raise_request_exception=False).get(sys.argv[1]).status_code)
"""


def visit(folder: Path, python: str, path: str, **env: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROBES / "startup"), **env}
    command = [python, "visit.py", path]
    return subprocess.run(command, cwd=folder, env=base, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "collected").mkdir()
    (tmp_path / "visit.py").write_text(VISIT)
    (tmp_path / "templates/base.html").write_text("<title>Shop</title>\n{% block body %}{% endblock %}\n")
    body = "{% load static %}\n{% block body %}\n<img src=\"{% static 'no.svg' %}\">\n{% endblock %}\n"
    page = "{% extends 'base.html' %}\n" + body
    (tmp_path / "templates/page.html").write_text(page)
    (tmp_path / "collected/staticfiles.json").write_text('{"paths": {}, "version": "1.1", "hash": ""}')
    return tmp_path


def test_traceback_of_a_page_ends_in_the_line_of_its_template(folder: Path, django_python: str) -> None:
    done = visit(folder, django_python, "/", PREDEPLOY_SERVER="1")

    assert done.stdout == "500\n", done.stderr
    places = [line.strip() for line in done.stderr.splitlines() if line.endswith("in template")]
    assert places[-1] == f'File "{folder / "templates/page.html"}", line 4, in template'
    assert "Missing staticfiles manifest entry for 'no.svg'" in done.stderr


def test_traceback_of_a_view_has_its_cause(folder: Path, django_python: str) -> None:
    done = visit(folder, django_python, "/broken", PREDEPLOY_SERVER="1")

    assert done.stdout == "500\n", done.stderr
    assert done.stderr.index("KeyError: 'gone'") < done.stderr.index("LookupError: no such thing")
    assert f'File "{folder / "visit.py"}", line 16, in broken' in done.stderr


def test_only_a_server_prints_the_errors_of_requests(folder: Path, django_python: str) -> None:
    done = visit(folder, django_python, "/broken")

    assert done.stdout == "500\n"
    assert "LookupError" not in done.stderr


ROWS = """
import sys
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models import Max
from django.test import Client
from django.urls import reverse
call_command("migrate", verbosity=0)
ContentType.objects.all().delete()
ROWS = ContentType.objects
PAGES = {
    "get": lambda: ROWS.get(pk=1),
    "index": lambda: ROWS.all()[0],
    "list": lambda: list(ROWS.all())[0],
    "first": lambda: ROWS.first().model,
    "latest": lambda: ROWS.latest("pk"),
    "max": lambda: ROWS.aggregate(most=Max("pk"))["most"] + 1,
    "mean": lambda: 1 / ROWS.count(),
    "reverse": lambda: reverse("page", args=[ROWS.first() or ""]),
    "bug": lambda: ROWS.firrst(),
    "none": lambda: None.model,
    "bug after a query": lambda: (ROWS.first(), [].name),
}
urlpatterns = [path(name, lambda request, name=name: HttpResponse(PAGES[name]())) for name in PAGES]
urlpatterns += [path("page/<int:pk>", print, name="page")]
for name in PAGES:
    answer = Client(raise_request_exception=False).get("/" + name)
    print(name, answer.status_code, answer.headers.get("X-Predeploy-Rows", "-"), sep=":")
"""


def test_errors_of_absent_rows_are_marked(folder: Path, django_python: str) -> None:
    (folder / "visit.py").write_text(ROWS)

    done = visit(folder, django_python, "/", PREDEPLOY_SERVER="1", PREDEPLOY_WORK=str(folder))

    found = dict(line.split(":500:") for line in done.stdout.splitlines())
    marked = {name for name, rows in found.items() if rows.startswith("contenttypes.ContentType at visit.py:")}
    assert marked == {"get", "index", "list", "first", "latest", "max", "mean", "reverse"}, done.stdout + done.stderr
    assert {name for name, rows in found.items() if rows == "-"} == {"bug", "none", "bug after a query"}
