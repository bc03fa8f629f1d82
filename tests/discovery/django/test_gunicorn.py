"""The places in gunicorn's configuration file, which are production's."""

import pytest

from tests.discovery.trees import django, web

IMAGE = "FROM python:3.13\nCOPY . /code\nWORKDIR /code\n"


@pytest.mark.parametrize(
    ("command", "config"),
    [
        ("-c gunicorn/conf.py", "gunicorn/conf.py"),
        ("--config=/code/gunicorn/conf.py", "gunicorn/conf.py"),
        ("-c python:deploy.conf", "deploy/conf.py"),
        ("-c file:deploy/conf.py", "deploy/conf.py"),
        ("", "gunicorn.conf.py"),
    ],
)
def test_directory_of_the_image_becomes_that_of_the_workspace(command: str, config: str) -> None:
    files = {"Dockerfile": IMAGE + f"CMD gunicorn {command} config.wsgi\n", config: 'chdir = "/code"\n'}

    assert web(django() | files).server[-2:] == ("--chdir", "@work@")


def test_options_and_other_places_stay() -> None:
    config = 'chdir = "/elsewhere"\naccesslog = "/var/log/a"\nerrorlog = "-"\nbind = ":80"\n'
    files = {"Dockerfile": IMAGE + "CMD gunicorn config.wsgi\n", "gunicorn.conf.py": config}

    assert web(django() | files).server[-3:] == ("config.wsgi", "--access-logfile", "-")

    files["Dockerfile"] = IMAGE + "CMD gunicorn --chdir /code config.wsgi\n"
    assert web(django() | files | {"gunicorn.conf.py": 'chdir = "/code"\n'}).server[-1] == "config.wsgi"
