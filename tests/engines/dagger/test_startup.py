"""The loader of Django's settings in an image of the stack, and the module path that it gets."""

from typing import Any

import pytest

from tasks.engines.dagger.variables import module_path
from tasks.steps import SERVER_HOST, SERVER_PORT, Image, Service
from tests.support.benches import unreachable

ON_ENGINE = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(bool(unreachable()), reason="it needs an engine of containers"),
]
ENV = (("PYTHONPATH", "@probes@/startup:@work@/apps/web"),)
OWN = "print('own sitecustomize', flush=True)\n"
SAYS = """
import os, sys
print([type(each).__module__ for each in sys.meta_path if type(each).__name__ == "Watch"])
print(os.environ["PYTHONPATH"], flush=True)
import predeploy_missing
print(predeploy_missing.load_values().throwaway_value("SHOP_LIMIT", "number", ""), flush=True)
"""


@pytest.mark.parametrize(
    ("given", "own", "path"),
    [
        ("@probes@/startup:@work@/apps/web", "", "@probes@/startup"),
        ("@probes@/startup:@work@", "/app/src", "@probes@/startup:/app/src"),
        ("@probes@/startup:/opt/shop", "/app/src::/opt/shop", "@probes@/startup:/opt/shop:/app/src"),
    ],
)
def test_module_path_keeps_what_the_image_has(given: str, own: str, path: str) -> None:
    assert module_path((("PYTHONPATH", given),), own) == path


def make_image(bench: Any) -> Image:
    (bench.root / "sitecustomize.py").write_text(OWN)
    (bench.root / "says.py").write_text(SAYS)
    lines = ("FROM python:3.13-slim", "WORKDIR /app", "COPY . .", "ENV PYTHONPATH=/app", "USER nobody")
    (bench.root / "Dockerfile").write_text("\n".join(lines))
    return Image(title="the image", dockerfile="Dockerfile")


class TestOnAnEngine:
    """The image has a user without rights, and a `sitecustomize` of its own, which also runs."""

    pytestmark = ON_ENGINE

    async def test_command_in_an_image_has_the_loader(self, bench: Any) -> None:
        image = make_image(bench)
        async with bench.engine() as engine:
            ran = await engine.run(bench.step("python", "says.py", image=image, env=ENV), bench.log)
            plain = await engine.run(bench.step("python", "-c", "print(1)", image=image), bench.log)

        watched = "own sitecustomize\n['sitecustomize']\n/probes/startup:/app\n1\n"
        assert (ran.code, ran.stdout) == (0, watched), ran
        assert plain.stdout == "own sitecustomize\n1\n"

    async def test_server_in_an_image_has_the_loader(self, bench: Any) -> None:
        server = Service(
            name="server",
            argv=("python", "says.py"),
            in_image=("python", "says.py"),
            cwd=".",
            image=make_image(bench),
            env=ENV,
        )
        async with bench.engine() as engine:
            step = bench.step("sh", "-c", f"sleep 20; echo {SERVER_HOST} {SERVER_PORT}", services=(server,))
            exit = await engine.run(step, bench.log)

        assert "own sitecustomize\n['sitecustomize']\n/probes/startup:/app" in exit.services[0].output
