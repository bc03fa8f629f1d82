"""Whose Dockerfile is whose, and what one says."""

import pytest

from tasks.discovery.dockerfile import parse_dockerfile
from tests.discovery.trees import astro, django, look, web

RUN = "FROM python:3.13\nRUN pip install -r requirements.txt\n"


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        pytest.param({"api/Dockerfile": RUN}, "api/Dockerfile", id="own"),
        pytest.param({"api/Dockerfile": RUN, "api/Dockerfile.prod": RUN}, "api/Dockerfile.prod", id="production"),
        pytest.param({"api/Dockerfile": RUN, "api/Dockerfile.dev": RUN}, "api/Dockerfile", id="not development"),
        pytest.param({"api/Dockerfile.api": RUN}, "api/Dockerfile.api", id="named"),
        pytest.param({"api/Containerfile": RUN}, "api/Containerfile", id="Containerfile"),
        pytest.param({"Dockerfile": RUN + "COPY . ."}, "Dockerfile", id="above, the only project"),
        pytest.param({"docker/Dockerfile": RUN}, "docker/Dockerfile", id="folder for Docker"),
        pytest.param({"api/docker/Dockerfile": RUN}, "api/docker/Dockerfile", id="own folder for Docker"),
        pytest.param(
            {"compose/local/django/Dockerfile": RUN, "compose/production/django/Dockerfile": RUN},
            "compose/production/django/Dockerfile",
            id="folders per environment",
        ),
        pytest.param(
            {"docker-compose.yml": "services: {web: {build: {context: ./api, dockerfile: ../ops/web.Dockerfile}}}"}
            | {"ops/web.Dockerfile": RUN},
            "ops/web.Dockerfile",
            id="compose",
        ),
        pytest.param({"Dockerfile": "FROM node:22\nCOPY . .\nRUN npm ci"}, None, id="no Python"),
        pytest.param({"Dockerfile": "FROM nginx\nCOPY dist /srv"}, None, id="a web server"),
        pytest.param({"api/docker/Dockerfile-proxy": "FROM python:3.13\nRUN curl frp"}, None, id="only a base image"),
        pytest.param({"vendor/Dockerfile": RUN, "api/Dockerfile.md": RUN}, None, id="not the stack's"),
    ],
)
def test_whose_dockerfile(files: dict[str, str], chosen: str | None) -> None:
    assert web(django("api") | files).dockerfile == chosen


def test_a_dockerfile_above_two_projects_is_that_of_the_one_it_copies() -> None:
    files = django("services/a") | django("services/b") | astro("site")
    files |= {"a.Dockerfile": RUN + "COPY services/a .", "docker/b/Dockerfile": RUN + "COPY ./services/b/ /app"}
    files |= {"Dockerfile": RUN + "COPY . ."}

    found = look(files).components

    assert [component.web.dockerfile for component in found if component.web] == ["a.Dockerfile", "docker/b/Dockerfile"]


def test_dockerfiles_are_read_leniently() -> None:
    text = '#syntax\r\n\r\nfrom python:3.13 as Base\r\nEnv A 1 2\r\nRUN echo \\\r\n  FROM x\r\nCOPY ["a b", "c"]\n'

    parsed = parse_dockerfile(text)

    assert [stage.name for stage in parsed.stages] == ["base"]
    assert parsed.stages[0].env == {"A": "1 2"}
    assert parsed.copied == ("a b",)
    assert parse_dockerfile("").final is None
    assert parse_dockerfile("CMD x\nFROM\n").stages == ()
