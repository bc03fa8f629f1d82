"""The argv that production starts, from Dockerfiles and Procfiles."""

import pytest

from tasks.discovery.django.ground import Ground
from tasks.discovery.django.launch import find_server
from tasks.discovery.file_view import FileView
from tasks.discovery.image.dockerfile import Shell
from tasks.production import Sourced
from tasks.steps import SERVER_HOST, SERVER_PORT
from tests.discovery.trees import django, look, web

HERE = f"{SERVER_HOST}:{SERVER_PORT}"


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("gunicorn config.wsgi", ("gunicorn", "--bind", HERE, "config.wsgi")),
        ("gunicorn -b 0.0.0.0:80 config.wsgi -w 4", ("gunicorn", "--bind", HERE, "config.wsgi", "-w", "4")),
        ("gunicorn --bind=:$PORT config.wsgi", ("gunicorn", "--bind", HERE, "config.wsgi")),
        ("gunicorn -b:8000 config.wsgi", ("gunicorn", "--bind", HERE, "config.wsgi")),
        ("gunicorn --bind unix:/run/x --bind :80 a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("gunicorn a.wsgi --daemon --reload", ("gunicorn", "--bind", HERE, "a.wsgi", "--reload")),
        ("gunicorn a.wsgi -w ${WORKERS:-3}", ("gunicorn", "--bind", HERE, "a.wsgi", "-w", "3")),
        ("gunicorn a.wsgi -w $KNOWN", ("gunicorn", "--bind", HERE, "a.wsgi", "-w", "7")),
        ("gunicorn a.wsgi -w $UNKNOWN", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("gunicorn $UNKNOWN", ()),
        ("gunicorn -c gunicorn.conf.py a.wsgi", ("gunicorn", "--bind", HERE, "-c", "gunicorn.conf.py", "a.wsgi")),
        ("exec gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("uv run --no-sync gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("poetry run gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("doppler run -- gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("python -m gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("/opt/venv/bin/gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("ddtrace-run gunicorn a.wsgi", ("ddtrace-run", "gunicorn", "--bind", HERE, "a.wsgi")),
        ("python manage.py migrate && gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("python manage.py migrate --noinput && gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("cd src && gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("gunicorn a.wsgi | tee log", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("gunicorn a.wsgi -w $(nproc)", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("DEBUG=1 gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("env -i A=1 gunicorn a.wsgi", ("gunicorn", "--bind", HERE, "a.wsgi")),
        ("./start.sh", ()),
        ("bash start.sh gunicorn", ()),
        ("/entrypoint gunicorn a.wsgi", ()),
        ("python manage.py runserver 0.0.0.0:8000", ()),
        ("celery -A config worker", ()),
        ("gunicorn 'a.wsgi", ()),
        ("", ()),
        (
            "uvicorn a.asgi:app --host 0.0.0.0 --port 80 --workers 2",
            ("uvicorn", "--host", SERVER_HOST, "--port", SERVER_PORT, "a.asgi:app", "--workers", "2"),
        ),
        ("uvicorn --uds /x a.asgi:app", ("uvicorn", "--host", SERVER_HOST, "--port", SERVER_PORT, "a.asgi:app")),
        ("hypercorn -b :80 a.asgi:app", ("hypercorn", "--bind", HERE, "a.asgi:app")),
        ("daphne -b 0.0.0.0 -p 80 a.asgi:app", ("daphne", "--bind", SERVER_HOST, "--port", SERVER_PORT, "a.asgi:app")),
        ("waitress-serve --port=80 --threads=4 a:app", ("waitress-serve", f"--listen={HERE}", "--threads=4", "a:app")),
        (
            "granian --interface wsgi --port 80 a:app",
            ("granian", "--host", SERVER_HOST, "--port", SERVER_PORT, "--interface", "wsgi", "a:app"),
        ),
    ],
)
def test_servers(line: str, argv: tuple[str, ...]) -> None:
    ground = Ground(tree=FileView((), str), directory=".", env={"KNOWN": "7"})
    found = find_server(Shell(line=line), ground, Sourced())

    assert (found.argv if found else ()) == argv


GUNICORN = ("gunicorn", "--bind", HERE, "config.wsgi")


@pytest.mark.parametrize(
    ("ending", "argv"),
    [
        pytest.param('CMD ["gunicorn", "config.wsgi", "-b", ":80"]', GUNICORN, id="exec form"),
        pytest.param("CMD gunicorn config.wsgi", GUNICORN, id="shell form"),
        pytest.param("CMD ['gunicorn']", ("/bin/sh", "-c", "['gunicorn']"), id="a list that is no JSON"),
        pytest.param('CMD [ "a", ]', ("/bin/sh", "-c", '[ "a", ]'), id="a list that is no JSON, with spaces"),
        pytest.param("CMD [ -f gunicorn ] && gunicorn a", ("gunicorn", "--bind", HERE, "a"), id="a test of the shell"),
        pytest.param('CMD ["sh", "-c", "exec gunicorn config.wsgi --bind :$PORT"]', GUNICORN, id="sh -c"),
        pytest.param('ENTRYPOINT ["gunicorn"]\nCMD ["config.wsgi"]', GUNICORN, id="entry point and arguments"),
        pytest.param('ENTRYPOINT ["tini", "--"]\nCMD ["gunicorn", "config.wsgi"]', GUNICORN, id="init"),
        pytest.param('ENTRYPOINT ["/entry"]\nCMD ["gunicorn", "config.wsgi"]', GUNICORN, id="script that goes on"),
        pytest.param('CMD ["gunicorn", "config.wsgi"]\nENTRYPOINT ./run.sh', (), id="shell entry point ignores CMD"),
        pytest.param('CMD ["gunicorn", "a.wsgi"]\nCMD ["gunicorn", "config.wsgi"]', GUNICORN, id="the last one"),
        pytest.param('CMD ["gunicorn", \\\n  # why\n  "config.wsgi"]', GUNICORN, id="continued lines"),
        pytest.param('CMD ["gunicorn", "a.wsgi"]\nFROM base\nRUN true', (), id="CMD of another stage"),
        pytest.param("CMD gunicorn config.wsgi\nFROM app\nENV X=1", GUNICORN, id="inherited from a stage"),
        pytest.param('ENTRYPOINT ["/x"]\nCMD gunicorn config.wsgi\nFROM app\nENTRYPOINT ["/y"]', (), id="CMD reset"),
        pytest.param('CMD ["gunicorn", "config.wsgi"]\nENTRYPOINT ["/x"]', GUNICORN, id="CMD first"),
        pytest.param('CMD ["./start.sh"]', (), id="script"),
        pytest.param("CMD gunicorn config.wsgi\nRUN <<EOF\nCMD uvicorn a:b\nEOF", GUNICORN, id="CMD within a heredoc"),
        pytest.param("CMD gunicorn config.wsgi\nCOPY <<-'X' /x\nCMD []\n\tX", GUNICORN, id="CMD within a file"),
        pytest.param("CMD gunicorn config.wsgi\nONBUILD CMD uvicorn a:b", GUNICORN, id="CMD of images built on it"),
        pytest.param("CMD gunicorn \\\n# CMD x\n\n  config.wsgi", GUNICORN, id="comment within a continued line"),
    ],
)
def test_servers_of_dockerfiles(ending: str, argv: tuple[str, ...]) -> None:
    beginning = "FROM python:3.13 AS base\nRUN pip install django\nFROM base AS app\n"

    assert web(django() | {"Dockerfile": beginning + ending}).server == argv


def test_the_server_of_a_procfile() -> None:
    procfile = "release: python manage.py migrate\nweb: gunicorn config.wsgi --log-file -\nworker: celery\n"

    assert web(django() | {"Procfile": procfile}).server == (*GUNICORN, "--log-file", "-")
    assert web(django("backend") | {"Procfile": procfile}).server == (*GUNICORN, "--log-file", "-")


def test_a_procfile_above_two_projects_is_ignored() -> None:
    files = django("a") | django("b") | {"Procfile": "web: gunicorn config.wsgi"}

    assert [component.web.server for component in look(files).components if component.web] == [(), ()]
