"""The plain way in containers: a short script with asyncio and Dagger's client, without predeploy's code.

It is a separate program: `python -m benchmarks.plain_dagger STACK`. It is written only for the sample stack. Three
stages run one after another, all checks of a stage at once, with one chain of containers per check and one upload of
the whole tree. The first check that fails ends the program.
"""

import asyncio
import secrets
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

# The only other module that imports the client. A baseline must not use the code that it is compared with: the
# strengths and weaknesses of predeploy's engine would be in both numbers.
import dagger

PYTHON = "docker.io/library/python:3.13-slim"
NODE = "docker.io/library/node:22-slim"
POSTGRES = "docker.io/library/postgres:17-alpine"
UV = "ghcr.io/astral-sh/uv:latest"
PNPM = "pnpm@10.34.9"
IGNORED = [".git", ".predeploy", "**/.venv", "**/__pycache__", "**/node_modules", "**/dist"]
DJANGO = {
    "SECRET_KEY": "only-for-the-benchmark-and-long-enough-that-django-says-nothing-0123456789",
    "DATABASE_URL": "postgres://postgres:plain@db:5432/postgres",
    "ALLOWED_HOSTS": "localhost",
}
TOOLS = {"CI": "true", "ASTRO_TELEMETRY_DISABLED": "1", "WRANGLER_SEND_METRICS": "false"}
HEALTH = """
import urllib.request
headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
request = urllib.request.Request("http://server:8000/admin/login/", headers=headers)
print("health", urllib.request.urlopen(request, timeout=30).status)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The containers that the checks run in."""

    client: dagger.Client
    source: dagger.Directory

    def python(self) -> dagger.Container:
        """Returns the sources with Django's development packages."""
        base = self.client.container().from_(PYTHON)
        return (
            with_variables(base, DJANGO)
            .with_file("/usr/local/bin/uv", self.client.container().from_(UV).file("/uv"))
            .with_env_variable("UV_CACHE_DIR", "/uv-cache")
            .with_mounted_cache("/uv-cache", self.client.cache_volume("plain-uv"))
            .with_mounted_directory("/src", self.source)
            .with_workdir("/src/apps/web")
            .with_exec(["uv", "pip", "install", "--system", "-r", "requirements-dev.lock"])
        )

    def node(self, package: str) -> dagger.Container:
        """Returns the sources with the workspace's packages, in the directory of one of them."""
        base = self.client.container().from_(NODE).with_exec(["npm", "install", "--global", PNPM])
        return (
            with_variables(base, TOOLS)
            .with_mounted_cache("/store", self.client.cache_volume("plain-pnpm"))
            .with_mounted_directory("/src", self.source)
            .with_workdir("/src")
            .with_exec(["pnpm", "install", "--frozen-lockfile", "--store-dir", "/store"])
            .with_workdir(f"/src/{package}")
        )

    def image(self) -> dagger.Container:
        """Returns the image that Django is deployed as."""
        return with_variables(self.source.directory("apps/web").docker_build(), DJANGO)

    def postgres(self) -> dagger.Service:
        """Returns a database server. It is empty at the start of the session."""
        return (
            self.client.container()
            .from_(POSTGRES)
            .with_env_variable("POSTGRES_PASSWORD", "plain")
            .with_exposed_port(5432)
            .as_service(use_entrypoint=True)
        )


def with_variables(container: dagger.Container, variables: dict[str, str]) -> dagger.Container:
    """Returns the container with these environment variables."""
    for name, value in variables.items():
        container = container.with_env_variable(name, value)
    return container


async def run(name: str, container: dagger.Container, *commands: str) -> None:
    """Runs the commands of one check and prints their output."""
    for command in commands:
        container = container.with_exec(["sh", "-c", command])
        print(f"-- {name}: {command}\n{await container.stdout()}", end="", flush=True)


async def build(pipeline: Pipeline) -> None:
    """Builds the image, the bundle and the site."""
    checks: list[Awaitable[None]] = [
        run("Django container", pipeline.image(), "python -c 'import config.wsgi; print(config.wsgi.application)'"),
        run(
            "Worker container",
            pipeline.node("workers/intake"),
            "pnpm exec tsc --noEmit",
            "pnpm exec wrangler deploy --dry-run --outdir dist",
        ),
        run("coffee-shop site", pipeline.node("sites/coffee-shop"), "pnpm run build", "ls dist/index.html"),
    ]
    await asyncio.gather(*checks)


async def quality(pipeline: Pipeline) -> None:
    """Runs the linters, the type checkers and the tests."""
    tests = pipeline.python().with_service_binding("db", pipeline.postgres())
    checks: list[Awaitable[None]] = [
        run("ruff check", pipeline.python(), "ruff check ."),
        run("ruff format --check", pipeline.python(), "ruff format --check ."),
        run("mypy", pipeline.python(), "mypy"),
        run("pytest", tests, "pytest"),
        run("eslint", pipeline.node("workers/intake"), "pnpm exec eslint ."),
        run("vitest", pipeline.node("workers/intake"), "pnpm exec vitest run"),
        run("astro check", pipeline.node("sites/coffee-shop"), "pnpm exec astro check"),
    ]
    await asyncio.gather(*checks)


async def integration(pipeline: Pipeline) -> None:
    """Runs the image with a database. The nonce prevents cached results, which belong to an earlier database."""
    database = await pipeline.postgres().start()
    django = (
        pipeline.image().with_service_binding("db", database).with_env_variable("PLAIN_NONCE", secrets.token_hex(8))
    )
    await run("Run migrations", django, "python manage.py migrate --noinput")
    server = django.with_exposed_port(8000).as_service()
    visitor = pipeline.client.container().from_(PYTHON).with_service_binding("server", server)
    checks: list[Awaitable[None]] = [
        run("Models match migrations", django, "python manage.py makemigrations --check --dry-run"),
        run("Migration check", django, "python manage.py migrate --check"),
        run(
            "Django check",
            django,
            "python manage.py check --database default",
            "python manage.py check --deploy --fail-level CRITICAL",
        ),
        run("Django health", visitor, f"python -c '{HEALTH}'"),
    ]
    await asyncio.gather(*checks)


async def main(stack: str) -> None:
    async with dagger.Connection(dagger.Config(log_output=sys.stderr)) as client:
        source = client.host().directory(stack, exclude=IGNORED)
        pipeline = Pipeline(client=client, source=source)
        for stage in (build, quality, integration):
            await stage(pipeline)


if __name__ == "__main__":
    asyncio.run(main(str(Path(sys.argv[1]).resolve())))
