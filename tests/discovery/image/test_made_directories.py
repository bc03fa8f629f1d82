"""Directories of the tree that an image makes."""

import pytest

from tests.discovery.trees import django, web

IMAGE = "FROM python:3.13\nRUN pip install django\nWORKDIR /app\nCOPY . .\n"
SERVE = 'CMD ["gunicorn", "config.wsgi"]\n'


@pytest.mark.parametrize(
    ("run", "found"),
    [
        pytest.param("RUN mkdir -p logs media/files\n", ("logs", "media/files"), id="relative"),
        pytest.param("RUN apt-get update && mkdir /app/logs && chown x /app/logs\n", ("logs",), id="absolute"),
        pytest.param("RUN cd config && mkdir data\n", ("config/data",), id="after cd"),
        pytest.param("RUN mkdir -p /var/log/shop $HOME/x {a,b}\n", (), id="elsewhere"),
        pytest.param("", (), id="none"),
    ],
)
def test_directories_of_run(run: str, found: tuple[str, ...]) -> None:
    assert web(django() | {"Dockerfile": IMAGE + run + SERVE}).directories == found


def test_directories_of_the_script_with_the_server() -> None:
    script = "#!/bin/sh\nmkdir -p logs\nexec gunicorn config.wsgi\n"

    files = django() | {"Dockerfile": IMAGE + 'CMD ["./start.sh"]\n', "start.sh": script}

    assert web(files).directories == ("logs",)


def test_project_without_an_image_has_none() -> None:
    assert web(django() | {"start.sh": "#!/bin/sh\nmkdir logs\n"}).directories == ()
