"""Builds the image of a component: from the stack's Dockerfile, or from the component's production environment."""

import asyncio
import json
import time
from pathlib import Path

from tasks.diagnostics.dockerfile import essential
from tasks.diagnostics.dockerfile_text import secrets_of
from tasks.engines.build_messages import classify
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.execution import no_exit, while_disk_lasts
from tasks.engines.dagger.paths import ENV, MANAGER, WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import ANY, BuildArg, Container, EngineRefusedError, ExecFailedError
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.planning.lowering import dockerfile_of
from tasks.steps import Image, Step

CODES = {"dockerfile": 2, "base_image": 3, "secret": 4}
LIMIT = 1800.0
"""Seconds for a build without a step of its own."""
OUTSIDE = ".predeploy.Dockerfile"
"""The name that a Dockerfile from outside of the context gets inside it."""


async def ensure_image(resources: SessionResources, image: Image, log: Path, step: Step | None = None) -> Container:
    """The image, built now if necessary. Raises EngineError if the build fails."""
    exit, container = await build(resources, image, log, step)
    if container is None:
        raise EngineError(exit.detail or f"{image.title} could not be built", exit.trouble or "image_build")
    return container


async def build(
    resources: SessionResources, image: Image, log: Path, step: Step | None = None
) -> tuple[Exit, Container | None]:
    """The image, built once per session. A failed build is repeated on the next call.

    An image without a Dockerfile contains the current workspace of the step, with the results of earlier steps.
    """
    await ensure(resources, image.environment, "execute", log)
    limit = step.limit if step and not step.argv else LIMIT
    is_first = image in resources.early  # an early build that failed has not been reported yet
    resources.early.discard(image)
    return await resources.built.get(
        image,
        lambda: build_in_time(resources, image, step, limit),
        again=lambda built: built[1] is None and not is_first,
    )


async def build_early(resources: SessionResources, image: Image, step: Step) -> None:
    """Builds an image before a step needs it. The build runs until it ends, or the session does."""
    resources.early.add(image)
    await resources.built.get(image, lambda: build_in_time(resources, image, step, step.limit))


async def build_in_time(
    resources: SessionResources, image: Image, step: Step | None, limit: float
) -> tuple[Exit, Container | None]:
    """Builds the image within a limit, because a RUN may never end."""
    try:
        async with asyncio.timeout(limit):
            return await build_image(resources, image, step)
    except TimeoutError:
        detail = f"It ran into its limit of {limit:g} s."
        return Exit(code=None, timed_out=True, detail=detail, duration=limit, root=WORK), None


async def build_image(resources: SessionResources, image: Image, step: Step | None) -> tuple[Exit, Container | None]:
    """Builds the image. Exit codes: 1 a RUN failed, 2 wrong Dockerfile, 3 no base image, 4 a secret is missing."""
    begun = time.monotonic()
    try:
        container = docker_image(resources, image) if image.dockerfile else own_image(resources, image, step)
        asked = resources.session.ask(container.sync(), limit=None)
        built = await (while_disk_lasts(resources, asked) if image.dockerfile else asked)
        await check_image_user(resources, built)
    except ExecFailedError as error:
        return failed_run(resources, image, error, time.monotonic() - begun), None
    except EngineRefusedError as error:
        kind = classify(str(error))
        if kind not in CODES:
            text = f"{image.title} could not be built: {essential(str(error))}"
            return Exit(code=None, trouble=kind or "image_build", detail=text, root=WORK), None
        said = with_dockerfile(resources, image, essential(str(error)))
        return Exit(code=CODES[kind], stderr=said, duration=time.monotonic() - begun, root=WORK), None
    except EngineError as error:
        return no_exit(error, WORK), None
    return Exit(code=0, stdout=f"built {image.title}\n", duration=time.monotonic() - begun, root=WORK), built


def failed_run(resources: SessionResources, image: Image, error: ExecFailedError, seconds: float) -> Exit:
    """The exit for a failed RUN. If a secret that it mounts is missing, that may be the reason."""
    absent = [name for name in secrets_of(text_of(resources, image), error.argv) if name not in image.secrets]
    # "dockerfile": the user of the RUN does not exist, so the RUN never began
    code = 2 if classify(str(error)) == "dockerfile" else CODES["secret"] if absent else 1
    message = essential(str(error))
    if code == CODES["secret"]:
        last = (error.stderr.strip() or message).splitlines()[-1]
        message = f'secret "{absent[0]}" was not given to a RUN that mounts it, and that failed: {last}'
    said = with_dockerfile(resources, image, f"{message}\n{error.stderr}".strip(), error.argv)
    return Exit(code=code, stdout=error.stdout, stderr=said, duration=seconds, root=WORK)


def docker_image(resources: SessionResources, image: Image) -> Container:
    """The build of the stack's Dockerfile, in its context."""
    context, dockerfile = (
        resources.client.host().directory(str(resources.config.snapshot / image.context)),
        image.dockerfile,
    )
    if dockerfile.startswith(
        "../"
    ):  # the engine needs the Dockerfile inside the context, and its .dockerignore next to it
        path = resources.config.snapshot / dockerfile_of(image)
        for end in ("", ".dockerignore"):
            if path.with_name(path.name + end).is_file():
                context = context.with_file(OUTSIDE + end, resources.client.host().file(f"{path}{end}"))
        dockerfile = OUTSIDE
    # the id of the secret in the Dockerfile is its name here
    secrets = [
        resources.client.set_secret(name, value) for name, value in resources.config.secrets.only(image.secrets).items()
    ]
    return context.docker_build(
        dockerfile=dockerfile,
        target=image.target,
        build_args=[BuildArg(name=name, value=value) for name, value in image.args],
        secrets=secrets,
    )


async def check_image_user(resources: SessionResources, built: Container) -> None:
    """Raises ExecFailedError or EngineRefusedError if the image's user does not exist."""
    if not await resources.session.ask(built.user()):
        return
    try:
        await resources.session.ask(built.with_exec(["true"], expect=ANY).sync())
    except (ExecFailedError, EngineRefusedError) as error:
        if classify(str(error)) == "dockerfile":  # an image without `true` is valid
            raise


def own_image(resources: SessionResources, image: Image, step: Step | None) -> Container:
    """An image of the production environment and the component's files, without the installers."""
    installed = resources.installed.get(image.environment.key) if image.environment else None
    slot = resources.slots.get(step.slot) if step else None
    if installed is None or slot is None:
        raise EngineError(f"what the {image.title} is made of was lost with the engine's session", "engine_lost")
    container = (
        installed.toolchain.without_directory(MANAGER)
        .with_directory(ENV, dict(installed.packages)[ENV])
        .with_directory(WORK, slot.work)
    )
    container = resources.on_path(container, image.environment, image.cwd, installed)
    return container.with_env_variable("PYTHONUNBUFFERED", "1").with_workdir(f"{WORK}/{image.cwd}")


def text_of(resources: SessionResources, image: Image) -> str:
    """The text of the Dockerfile; empty if it does not exist."""
    try:
        return (resources.config.snapshot / dockerfile_of(image)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def with_dockerfile(resources: SessionResources, image: Image, message: str, argv: tuple[str, ...] = ()) -> str:
    """The Dockerfile and the engine's message, as input for the parser that finds the line."""
    if not image.dockerfile:
        return message
    run = f"# run {json.dumps(argv)}\n" if argv else ""
    text = text_of(resources, image).rstrip()
    return f"# dockerfile {dockerfile_of(image)}\n# begin\n{text}\n# end\n{run}{message}"
