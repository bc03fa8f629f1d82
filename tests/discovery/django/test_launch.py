"""The server that entry scripts, compose files and hosts start."""

import pytest

from tasks.discovery.django.scripts import statements
from tasks.steps import SERVER_HOST, SERVER_PORT, WORK
from tests.discovery.trees import django, web

HERE = f"{SERVER_HOST}:{SERVER_PORT}"
IMAGE = "FROM python:3.13\nRUN pip install django\nWORKDIR /app\nCOPY . .\n"
GUNICORN = ("gunicorn", "--bind", HERE, "config.wsgi")


def started(script: str, ending: str = 'CMD ["/app/start"]\n') -> tuple[tuple[str, ...], dict[str, str], str]:
    """The argv, the variables and the place of the server that a script starts."""
    found = web(django() | {"Dockerfile": IMAGE + ending, "start": script}).launch
    return (found.argv, dict(found.env), found.found.place) if found else ((), {}, "")


@pytest.mark.parametrize(
    ("script", "argv", "line"),
    [
        pytest.param("#!/bin/sh\nset -e\nexec gunicorn config.wsgi -b :80\n", GUNICORN, 3, id="exec"),
        pytest.param("python manage.py migrate\ngunicorn \\\n  config.wsgi\n", GUNICORN, 2, id="continued"),
        pytest.param("cat <<EOF\ngunicorn a.wsgi\nEOF\ngunicorn config.wsgi\n", GUNICORN, 4, id="heredoc"),
        pytest.param("# gunicorn a.wsgi\ngunicorn config.wsgi # b\n", GUNICORN, 2, id="comment"),
        pytest.param("gunicorn config.wsgi > log 2>&1\n", GUNICORN, 1, id="redirection"),
        pytest.param("if true; then\n  runserver\nelse\n  exec gunicorn config.wsgi\nfi\n", GUNICORN, 4, id="branch"),
        pytest.param("gunicorn config.wsgi\nuvicorn a:b --reload\n", GUNICORN, 1, id="a server that reloads is last"),
        pytest.param("exec bash ./more\n", (), 0, id="a script that is not in the tree"),
        pytest.param("while ! nc -z db 1; do sleep 1; done; gunicorn config.wsgi\n", GUNICORN, 1, id="loop"),
        pytest.param("exec poetry run gunicorn config.wsgi\n", GUNICORN, 1, id="runner"),
        pytest.param("exec 'gunicorn config.wsgi\n", (), 0, id="an open quote"),
        pytest.param("celery -A config worker\n", (), 0, id="another program"),
        pytest.param('exec gunicorn config.wsgi "$@"\n', GUNICORN, 1, id="arguments of the script, which are none"),
    ],
)
def test_scripts(script: str, argv: tuple[str, ...], line: int) -> None:
    found = started(script)

    assert (found[0], found[2]) == (argv, f"start:{line}" if line else "")


def test_variables_and_directories_of_a_script() -> None:
    script = 'export PORT=${PORT:-80} A="$PORT"\nB=$NOTHING\ncd config\n'
    script += "exec gunicorn --chdir=/app -c /app/g.py a --name $A\n"

    found = web(django() | {"Dockerfile": IMAGE + "CMD /app/start", "start": script, "g.py": ""}).launch

    assert found
    assert found.directory == "config"
    assert found.env == (("A", "80"), ("PORT", "80"))
    assert found.argv == ("gunicorn", "--bind", HERE, f"--chdir={WORK}", "-c", f"{WORK}/g.py", "a", "--name", "80")
    assert found.in_image[:4] == ("sh", "-c", 'cd "$0" && exec "$@"', "/app/config")
    assert found.in_image[4:8] == ("gunicorn", "--bind", HERE, "--chdir=/app")


@pytest.mark.parametrize(
    ("script", "before"),
    [
        (
            "set -e\npython manage.py collectstatic --noinput\n",
            "(cd /app && python manage.py collectstatic --noinput) || exit",
        ),
        (
            "uv run manage.py collectstatic --noinput > /dev/null\n",
            "(cd /app && uv run manage.py collectstatic --noinput)",
        ),
        ("python manage.py migrate\n", ""),
    ],
)
def test_static_files_that_a_script_collects_are_collected_before_the_server(script: str, before: str) -> None:
    found = web(
        django() | {"Dockerfile": IMAGE + 'CMD ["/app/start"]\n', "start": f"{script}gunicorn config.wsgi\n"}
    ).launch

    assert found
    assert found.argv == GUNICORN
    assert found.in_image == (("sh", "-c", f'{before}; exec "$0" "$@"', *GUNICORN) if before else GUNICORN)


def test_server_of_an_entrypoint_gets_the_arguments_of_the_image() -> None:
    ending = 'ENTRYPOINT ["/app/start"]\nCMD ["--workers", "3"]\n'

    assert started('exec gunicorn config.wsgi "${@}"\n', ending)[0] == (*GUNICORN, "--workers", "3")


def test_entrypoint_collects_static_files_by_itself() -> None:
    ending = 'ENTRYPOINT ["/app/start"]\nCMD ["gunicorn", "config.wsgi"]\n'
    script = 'python manage.py collectstatic --noinput\nexec "$@"\n'

    found = web(django() | {"Dockerfile": IMAGE + ending, "start": script}).launch

    assert found
    assert (found.in_image, found.entry) == (GUNICORN, None)


@pytest.mark.parametrize("passing", ['exec "$@"', "exec $*", 'cmd="$*"\nexec $cmd', "COMMAND=${@:1}\n$COMMAND"])
def test_entrypoint_that_runs_the_command(passing: str) -> None:
    ending = 'ENTRYPOINT ["/app/start"]\nCMD ["uv", "run", "gunicorn", "config.wsgi"]'

    found = web(django() | {"Dockerfile": IMAGE + ending, "start": f"migrate\n{passing}\n"}).launch

    assert found
    assert (found.argv, found.in_image, found.entry) == (GUNICORN, ("uv", "run", *GUNICORN), None)
    assert found.found.place == "Dockerfile:6"


def test_entrypoint_that_starts_the_server_itself() -> None:
    ending = 'ENTRYPOINT ["/app/start"]\nCMD ["--workers", "2"]'

    found = web(django() | {"Dockerfile": IMAGE + ending, "start": "exec gunicorn config.wsgi\n"}).launch

    assert found
    assert (found.argv, found.entry, found.found.place) == (GUNICORN, (), "start:1")


def test_branch_for_the_argument_of_a_script() -> None:
    script = 'case "$1" in\nweb)\n  exec gunicorn config.wsgi\n  ;;\nother) exec gunicorn a.wsgi;;\nesac\n'

    assert started(script, 'ENTRYPOINT ["/app/start"]\nCMD ["web"]')[0] == GUNICORN
    assert started(script, 'ENTRYPOINT ["/app/start", "other"]')[0] == (*GUNICORN[:-1], "a.wsgi")


@pytest.mark.parametrize(
    ("files", "place"),
    [
        pytest.param({"fly.toml": '[processes]\napp = "gunicorn config.wsgi"\n'}, "fly.toml:2", id="fly.toml"),
        pytest.param(
            {"render.yaml": "services:\n- type: web\n  runtime: python\n  startCommand: gunicorn config.wsgi\n"},
            "render.yaml:4",
            id="render.yaml",
        ),
        pytest.param({"app.yaml": "runtime: python\nentrypoint: gunicorn config.wsgi\n"}, "app.yaml:2", id="app.yaml"),
        pytest.param(
            {"manifest.yml": "applications:\n- command: ./run.sh\n", "run.sh": "gunicorn config.wsgi\n"},
            "run.sh:1",
            id="Cloud Foundry",
        ),
        pytest.param(
            {"Procfile": "web: make serve\n", "Makefile": "all:\n\ttrue\nserve: all\n\t@gunicorn config.wsgi\n"},
            "Makefile:4",
            id="a target of make",
        ),
        pytest.param(
            {"docker-compose.prod.yml": "services:\n  web:\n    image: x\n    command: gunicorn config.wsgi\n"},
            "docker-compose.prod.yml:4",
            id="compose without a build",
        ),
        pytest.param(
            {"Dockerfile": IMAGE + "CMD gunicorn a.wsgi"}
            | {"docker-compose.yml": "services: {web: {build: ., command: runserver}}"}
            | {"compose.production.yml": "services:\n web:\n  build: .\n  command: sh -c 'x; gunicorn config.wsgi'\n"},
            "compose.production.yml:4",
            id="compose of production beats the image",
        ),
        pytest.param(
            {"Dockerfile": IMAGE + "CMD gunicorn config.wsgi"}
            | {"docker-compose.yml": "services: {web: {build: ., command: gunicorn a.wsgi, volumes: ['.:/app']}}"},
            "Dockerfile:5",
            id="a service that mounts the code is one of development",
        ),
    ],
)
def test_files_for_hosts(files: dict[str, str], place: str) -> None:
    found = web(django() | files).launch

    assert found
    assert (found.argv, found.found.place) == (GUNICORN, place)


def test_configuration_of_uwsgi() -> None:
    ini = "[uwsgi]\n# no\nif-env = A\nsocket = :1\nendif =\nhttp-socket = :8000\nmodule = config.wsgi\nmaster\n"
    ini += "uid = www\nchdir = /app\nvirtualenv = /venv\nattach-daemon = x\nharakiri = 10\n[other]\nx = y\n"
    files = {"Dockerfile": IMAGE + 'CMD ["uwsgi", "/app/etc/uwsgi.ini"]', "etc/uwsgi.ini": ini}

    found = web(django() | files).launch

    assert found
    options = ("--module=config.wsgi", "--master", "--harakiri=10")
    added = ("--http-socket", HERE)
    assert [word for word in found.argv if word in {*options, *added}] == [*added, *options]
    assert f"--chdir={WORK}" in found.argv
    assert "--virtualenv=/venv" in found.in_image
    assert not any("www" in word or "8000" in word or "attach" in word for word in found.argv)


def test_statements_keep_their_lines() -> None:
    text = "a b # c\n\nd \\\n  e; f | g\n"

    assert [(each.words, each.line) for each in statements(text)] == [
        (("a", "b"), 1),
        (("d", "e"), 3),
        (("f",), 3),
        (("g",), 3),
    ]
