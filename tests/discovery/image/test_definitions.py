"""Which Dockerfile belongs to which component, and its content."""

import pytest

from tasks.discovery.image.dockerfile import parse_dockerfile
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
def test_dockerfile_of_a_component(files: dict[str, str], chosen: str | None) -> None:
    assert web(django("api") | files).dockerfile == chosen


def test_a_dockerfile_above_two_projects_is_that_of_the_one_it_copies() -> None:
    files = django("services/a") | django("services/b") | astro("site")
    files |= {"a.Dockerfile": RUN + "COPY services/a .", "docker/b/Dockerfile": RUN + "COPY ./services/b/ /app"}
    files |= {"Dockerfile": RUN + "COPY . ."}

    found = look(files).components

    assert [component.web.dockerfile for component in found if component.web] == ["a.Dockerfile", "docker/b/Dockerfile"]


SERVED = RUN + "COPY . .\n"


@pytest.mark.parametrize(
    ("files", "context"),
    [
        pytest.param({"api/Dockerfile": SERVED}, "api", id="own"),
        pytest.param({"Dockerfile": SERVED}, ".", id="above"),
        pytest.param({"docker/Dockerfile": SERVED}, ".", id="folder for Docker"),
        pytest.param({"api/docker/Dockerfile": SERVED}, "api", id="own folder for Docker"),
        pytest.param({"compose/production/django/Dockerfile": SERVED}, ".", id="folders per environment"),
        pytest.param({"api/Dockerfile": RUN + "COPY api/ /app\n"}, ".", id="own, written for the root"),
        pytest.param({"api/Dockerfile": RUN + "COPY api /app\n", "api/api/x.py": ""}, "api", id="own, named alike"),
        pytest.param({"api/Dockerfile": RUN + "COPY nope.txt /app\n"}, "api", id="own, with a file that is not there"),
        pytest.param(
            {"compose.yaml": "services: {web: {build: {context: ., dockerfile: api/Dockerfile}}}"}
            | {"api/Dockerfile": SERVED},
            ".",
            id="compose",
        ),
        pytest.param(
            {"api/ops/compose.yaml": "services: {web: {build: {context: .., dockerfile: ops/Dockerfile}}}"}
            | {"api/ops/Dockerfile": SERVED},
            "api",
            id="compose further down",
        ),
        pytest.param(
            {"compose.yaml": "services: {web: {build: {context: ../.., dockerfile: api/Dockerfile}}}"}
            | {"api/Dockerfile": SERVED},
            "api",
            id="compose with a context outside of the tree",
        ),
    ],
)
def test_build_context_of_a_dockerfile(files: dict[str, str], context: str) -> None:
    found = web(django("api") | files)

    assert found.dockerfile
    assert found.context == context


@pytest.mark.parametrize(
    ("build", "target", "args"),
    [
        pytest.param("api", "", (), id="short"),
        pytest.param("{context: api, target: prod}", "prod", (), id="target"),
        pytest.param("{context: api, target: $STAGE}", "", (), id="target from outside"),
        pytest.param(
            "{context: api, args: {B: 2, A: x, C: true, D: $SHA, E: }}",
            "",
            (("A", "x"), ("B", "2"), ("C", "true")),
            id="arguments as a table",
        ),
        pytest.param("{context: api, args: [B=x=y, A, 'C=${SHA}', D=]}", "", (("B", "x=y"), ("D", "")), id="as a list"),
        pytest.param("{context: api, args: 3, target: [a]}", "", (), id="nonsense"),
    ],
)
def test_build_of_a_compose_file(build: str, target: str, args: tuple[tuple[str, str], ...]) -> None:
    found = web(django("api") | {"compose.yaml": f"services: {{web: {{build: {build}}}}}", "api/Dockerfile": SERVED})

    assert (found.context, found.target, found.args) == ("api", target, args)


def test_production_s_service_with_ports_decides_on_the_build() -> None:
    services = "services: {worker: {build: {context: api, target: worker}}, web: {build: {context: api, target: web}"
    files = django("api") | {"api/Dockerfile": SERVED, "compose.yaml": services + ", ports: ['80:80']}}"}

    assert web(files).target == "web"
    assert web(files | {"compose.prod.yaml": "services: {web: {build: {context: api, target: prod}}}"}).target == "prod"


def test_the_target_stage_is_read() -> None:
    stages = f"{RUN}ENV DJANGO_SETTINGS_MODULE=config.live\nCMD gunicorn config.wsgi\nFROM python AS dev\nCMD sleep 9\n"
    compose = "services: {web: {build: {context: api, target: '0'}}}"

    found = web(django("api") | {"compose.yaml": compose, "api/Dockerfile": stages})

    assert found.settings == "config.live"
    assert found.server[:1] == ("gunicorn",)


def test_stages_are_known_by_name_and_number() -> None:
    parsed = parse_dockerfile("FROM a AS One\nFROM b\n")

    names = [
        stage.name if (stage := parsed.stage(target)) else None for target in ("", "one", "ONE", "0", "1", "2", "x")
    ]

    assert names == ["1", "one", "one", "one", "1", None, None]


def test_dockerfiles_are_read_leniently() -> None:
    text = '#syntax\r\n\r\nfrom python:3.13 as Base\r\nEnv A 1 2\r\nRUN echo \\\r\n  FROM x\r\nCOPY ["a b", "c"]\n'

    parsed = parse_dockerfile(text)

    assert [stage.name for stage in parsed.stages] == ["base"]
    assert parsed.stages[0].env == {"A": "1 2"}
    assert parsed.copied == ("a b",)
    assert parse_dockerfile("").final is None
    assert parse_dockerfile("CMD x\nFROM\n").stages == ()


def test_the_lines_of_heredocs_are_no_instructions() -> None:
    run = "RUN <<EOF\nENV A=2\nWORKDIR /b\nFROM b\nCOPY c /c\nEOF\n"

    parsed = parse_dockerfile(f"FROM a\nENV A=1\nWORKDIR /a\n{run}COPY <<X d /d/\nFROM e\nX\n")

    assert [(stage.image, stage.env, stage.workdir) for stage in parsed.stages] == [("a", {"A": "1"}, "/a")]
    assert parsed.copied == ("d",)


def test_each_word_of_a_copy_is_expanded_on_its_own() -> None:
    parsed = parse_dockerfile('FROM a\nARG B=b\nENV C="c d"\nCOPY --from=$B $C $D ["$C", "/x"] /e\nCOPY ["$C", "/x"]\n')

    assert parsed.stages[0].copies[0].origin == "b"
    assert parsed.stages[0].copies[0].sources[:2] == ("c d", "$D")
    assert parsed.copied == ("c d",)


def test_arguments_without_a_default_have_no_value() -> None:
    parsed = parse_dockerfile(
        "ARG ENVIRONMENT UID=1000 \\\n  GID=2\nFROM a\nENV X=${ENVIRONMENT} Y=$UID\nRUN b\nRUN c && d\n"
    )

    assert parsed.arguments == {"UID": "1000", "GID": "2"}
    assert parsed.stages[0].env == {"Y": "1000"}
    assert [(run.line, run.text) for run in parsed.stages[0].runs] == [(5, "b"), (6, "c && d")]


def test_arguments_of_the_build_replace_the_defaults() -> None:
    text = "ARG TAG=3.11\nFROM python:${TAG}\nARG MODE=development\nENV APP_MODE=${MODE}\n"

    given = parse_dockerfile(text, {"TAG": "3.13", "MODE": "production"}).stages[0]

    assert (given.image, given.env) == ("python:3.13", {"APP_MODE": "production"})
