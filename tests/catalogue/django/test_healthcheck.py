"""The HEALTHCHECK of an image beside the server of a run: its port, its gaps, and what a failure of it means."""

import pytest

from tasks.catalogue.django.health import health_commands, health_gaps, health_requires
from tasks.catalogue.django.healthcheck import services_of
from tasks.catalogue.django.image import image_of
from tasks.production import ProductionServer, Sourced
from tasks.stack import Component
from tests.support.factories import make_scene, make_stack, make_uv_project, make_web

DOCKERFILE = "apps/web/Dockerfile"
UNKNOWN = f"the HEALTHCHECK of {DOCKERFILE}:2 was not run: no file names the port at which it reaches the server"


def web_with(command: str) -> Component:
    launch = ProductionServer(argv=("gunicorn",), found=Sourced(value=command)) if command else None
    return make_web(dockerfile=DOCKERFILE, launch=launch)


def argv_of(command: str, healthcheck: str, env: str = "") -> tuple[str, ...] | None:
    web = web_with(command)
    text = f"FROM python\nHEALTHCHECK {healthcheck}\n{env}"
    found = image_of(web, make_scene(make_stack(web), {DOCKERFILE: text})).healthcheck
    return found.argv if found else None


CURL = "CMD curl -f http://localhost:{}/up"


@pytest.mark.parametrize(
    ("command", "healthcheck", "runs"),
    [
        ("gunicorn a.wsgi --bind 0.0.0.0:8000 --workers 4", CURL.format(8000), CURL[4:].format(8000)),
        ("gunicorn a.wsgi --bind=0.0.0.0:8000", "CMD /check.sh", "/check.sh"),
        ("gunicorn a.wsgi -b :8000 -w 2", CURL.format(9000), CURL[4:].format(9000)),
        ("gunicorn a.wsgi -b :80", CURL.format(80), CURL[4:].format(8000)),
        ("uvicorn a.asgi:app --port 5000", CURL.format(5000), CURL[4:].format(8000)),
    ],
)
def test_healthcheck_reaches_the_port_of_the_run(command: str, healthcheck: str, runs: str) -> None:
    assert argv_of(command, healthcheck) == ("/bin/sh", "-c", runs)


@pytest.mark.parametrize(
    ("command", "healthcheck"),
    [
        ("gunicorn a.wsgi", CURL.format(8000)),
        ("gunicorn a.wsgi --bind 0.0.0.0:$PORT", CURL.format(8000)),
        ("gunicorn a.wsgi --bind :80", "CMD /check.sh"),
        ("gunicorn a.wsgi --bind :80", "CMD curl -f http://localhost/"),
        ("gunicorn a.wsgi --bind :80 --bind :8000", CURL.format(80)),
        ("gunicorn a.wsgi --bind unix:/run/a.sock -p /run/8000", CURL.format(8000)),
        ("", CURL.format(8000)),
    ],
)
def test_healthcheck_with_an_unknown_port_does_not_run_and_is_a_gap(command: str, healthcheck: str) -> None:
    web = web_with(command)
    scene = make_scene(make_stack(web), {DOCKERFILE: f"FROM python\nHEALTHCHECK {healthcheck}\n"})

    assert image_of(web, scene).healthcheck is None
    assert health_gaps(web, scene) == (UNKNOWN,)
    assert "image" not in dict(health_requires(web, scene))
    assert "--healthcheck" not in health_commands(web, scene)[0].argv


def test_port_may_come_from_a_variable_of_the_image() -> None:
    healthcheck = CURL.format(8080)

    assert argv_of("gunicorn a.wsgi -b :${PORT:-8080}", healthcheck) == ("/bin/sh", "-c", CURL[4:].format(8000))
    assert argv_of("gunicorn a.wsgi -b :$PORT", healthcheck, "ENV PORT=8080") == (
        "/bin/sh",
        "-c",
        CURL[4:].format(8000),
    )


def test_healthcheck_is_a_gap_only_without_an_image() -> None:
    web = web_with("gunicorn a.wsgi --bind :8000")
    text = "FROM python\nHEALTHCHECK --interval=5m --timeout=3s --start-period=5m CMD curl http://localhost:8000/\n"
    scene = make_scene(make_stack(web), {DOCKERFILE: text})
    none = make_scene(make_stack(web), {DOCKERFILE: f"{text}HEALTHCHECK NONE\n"})

    assert health_gaps(web, scene) == ()
    assert health_requires(web, scene) == (
        ("image", f"the HEALTHCHECK of {DOCKERFILE}:2 was not run: it needs the image"),
    )
    assert not health_gaps(web, none)
    assert not health_requires(web, none)
    argv = " ".join(health_commands(web, scene)[0].argv)
    assert f"--healthcheck {DOCKERFILE}:2 --healthcheck-wait 80" in argv
    assert "--healthcheck" not in health_commands(web, none)[0].argv


def test_packages_of_services_that_a_run_lacks_leave_a_doubt() -> None:
    web = make_web(project=make_uv_project(packages=frozenset({"django", "redis", "celery"})))

    assert services_of(web) == ("celery", "redis")
