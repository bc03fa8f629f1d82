"""The commands of manage.py that each deploy runs."""

import pytest

from tests.discovery.trees import django, web

IMAGE = "FROM python:3.13\nRUN pip install django\nWORKDIR /app\nCOPY . .\n"
SERVE = 'CMD ["gunicorn", "config.wsgi"]\n'
STRICT = "#!/bin/sh\nset -e\n"


def calls(files: dict[str, str]) -> list[tuple[str, str]]:
    """The commands, with their places."""
    return [(each.value, each.place) for each in web(django() | files).calls]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("release: python manage.py seed --all", ["seed --all"], id="one"),
        pytest.param("release: python manage.py migrate && ./manage.py seed", ["migrate", "seed"], id="two"),
        pytest.param("release: uv run python manage.py seed", ["seed"], id="a runner"),
        pytest.param("release: python manage.py seed || true", [], id="its failure is ignored"),
        pytest.param("release: python manage.py seed; python manage.py more", [], id="the last one decides"),
        pytest.param("release: python manage.py seed --settings=config.other", [], id="other settings"),
        pytest.param(
            "release: DJANGO_SETTINGS_MODULE=a.b python manage.py seed", [], id="other settings by a variable"
        ),
        pytest.param("release: python other/manage.py seed", [], id="another project"),
        pytest.param("release: echo python manage.py seed", [], id="another program"),
        pytest.param("release: python manage.py $TASK", [], id="a name that only a shell knows"),
        pytest.param("worker: python manage.py seed", [], id="another process"),
    ],
)
def test_release_of_a_procfile(line: str, found: list[str]) -> None:
    procfile = f"web: gunicorn config.wsgi\n{line}\n"

    assert calls({"Procfile": procfile}) == [(each, "Procfile:2") for each in found]


def test_release_of_fly_runs_in_the_image() -> None:
    fly = '[deploy]\n  release_command = "python manage.py seed"\n'

    assert calls({"Dockerfile": IMAGE + SERVE, "fly.toml": fly}) == [("seed", "fly.toml:2")]


def test_release_of_render() -> None:
    render = (
        "services:\n- type: web\n  runtime: python\n  preDeployCommand: python manage.py seed\n"
        "  startCommand: gunicorn config.wsgi\n"
    )

    assert calls({"render.yaml": render}) == [("seed", "render.yaml:4")]


def test_build_of_the_image() -> None:
    run = "RUN SECRET_KEY=x python manage.py collectstatic --noinput && \\\n    python manage.py compress\n"

    assert calls({"Dockerfile": IMAGE + run + SERVE}) == [
        ("collectstatic --noinput", "Dockerfile:5"),
        ("compress", "Dockerfile:5"),
    ]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param(f"{STRICT}python manage.py seed\nexec gunicorn config.wsgi\n", [("seed", 3)], id="strict"),
        pytest.param("#!/bin/sh -e\npython manage.py seed\ngunicorn config.wsgi\n", [("seed", 2)], id="by its program"),
        pytest.param("#!/bin/sh\npython manage.py seed\ngunicorn config.wsgi\n", [], id="goes on after a failure"),
        pytest.param(
            f'{STRICT}if [ "$SEED" ]; then\n  python manage.py seed\nfi\npython manage.py more\ngunicorn config.wsgi\n',
            [("more", 6)],
            id="a branch",
        ),
        pytest.param(
            f'{STRICT}[ "$SEED" ] && python manage.py seed\npython manage.py more || true\ngunicorn config.wsgi\n',
            [],
            id="a condition",
        ),
        pytest.param(f"{STRICT}seed() {{\n  python manage.py seed\n}}\ngunicorn config.wsgi\n", [], id="a function"),
        pytest.param(
            f'{STRICT}case "$1" in\n  dev) python manage.py seed ;;\nesac\ngunicorn config.wsgi\n', [], id="a case"
        ),
        pytest.param(
            f"{STRICT}while ! nc -z db 5432; do sleep 1; done\npython manage.py seed\ngunicorn config.wsgi\n",
            [("seed", 4)],
            id="after a loop",
        ),
    ],
)
@pytest.mark.parametrize("ending", ['CMD ["./start.sh"]\n', 'ENTRYPOINT ["/app/start.sh"]\n', "CMD sh start.sh\n"])
def test_script_of_the_image(script: str, found: list[tuple[str, int]], ending: str) -> None:
    files = {"Dockerfile": IMAGE + ending, "start.sh": script}

    assert calls(files) == [(name, f"start.sh:{line}") for name, line in found]


def test_command_that_a_compose_file_replaces_does_not_run() -> None:
    compose = "services:\n  web:\n    build: .\n    command: gunicorn config.wsgi\n"
    files = {"Dockerfile": f"{IMAGE}CMD python manage.py seed && gunicorn config.wsgi\n", "compose.prod.yaml": compose}

    assert calls(files) == []


def test_command_of_the_image_before_its_server() -> None:
    ending = 'CMD ["sh", "-c", "python manage.py seed && gunicorn config.wsgi"]\n'

    assert calls({"Dockerfile": IMAGE + ending}) == [("seed", "Dockerfile:5")]
