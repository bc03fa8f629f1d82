"""The HEALTHCHECK of an image, which runs in the container of its server."""

from typing import Any

import pytest

from tasks.production import Healthcheck
from tasks.steps import PROBES, SERVER_HOST, SERVER_PORT, Image, Service
from tests.support.benches import unreachable

ON_ENGINE = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(bool(unreachable()), reason="it needs an engine of containers"),
]
REQUEST = "import urllib.request as u; u.urlopen('http://localhost:{}/'); print('well')"
SERVE = ("python", "-m", "http.server", SERVER_PORT, "--bind", SERVER_HOST)
DOCKERFILE = "FROM python:3.13-slim\nWORKDIR /app\nUSER nobody\nHEALTHCHECK CMD false\n"


def request(port: int, **over: Any) -> Healthcheck:
    usual: dict[str, Any] = {"argv": ("python", "-c", REQUEST.format(port)), "line": 4, "wait": 1, "limit": 20}
    return Healthcheck(**(usual | over))


@pytest.mark.parametrize(
    ("healthcheck", "code", "says"),
    [
        (request(8000), 0, "HEALTHCHECK passed"),
        (request(8001, retries=2), 11, "failed 2 times: "),
        (request(0, argv=("/bin/sh", "-c", "curl -f http://localhost:8000/"), retries=1), 11, "not found"),
        (request(0, argv=("sleep", "60"), limit=1, retries=1), 11, "did not end in its time limit"),
    ],
)
class TestOnAnEngine:
    """The engine itself does not run the image's own one, `false`: the server would never count as started."""

    pytestmark = ON_ENGINE

    async def test_healthcheck_reaches_the_server_on_its_own_host(
        self, bench: Any, healthcheck: Healthcheck, code: int, says: str
    ) -> None:
        (bench.root / "Dockerfile").write_text(DOCKERFILE)
        image = Image(title="the image", dockerfile="Dockerfile", healthcheck=healthcheck)
        server = Service(name="server", argv=SERVE, in_image=SERVE, cwd=".", image=image)
        ask = ("--path", "/", "--healthcheck", "Dockerfile:4", "--healthcheck-wait", "60")
        probe = (f"{PROBES}/e2e/http_health.py", "--host", SERVER_HOST, "--port", SERVER_PORT, *ask)
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("python3", *probe, services=(server,)), bench.log)

        assert exit.code == code, exit
        assert says in exit.stdout, exit
