"""Builds what a component is deployed as: from its own Dockerfile, or ours from its production environment."""

import asyncio
import json
import posixpath
import time
from pathlib import Path

from tasks.diagnostics.dockerfile import essential
from tasks.diagnostics.dockerfile_text import secrets_of
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.execution import no_exit
from tasks.engines.dagger.messages import classify
from tasks.engines.dagger.paths import ENV, MANAGER, WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import ANY, BuildArg, Container, EngineRefusedError, ExecFailedError
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.steps import Image, Step

CODES = {"dockerfile": 2, "base_image": 3, "secret": 4}
LIMIT = 1800.0
"""Seconds for a build that no step of its own has asked for."""
OUTSIDE = ".predeploy.Dockerfile"
"""A Dockerfile from outside of its context has this name in it."""


async def ensure_image(resources: SessionResources, image: Image, log: Path, step: Step | None = None) -> Container:
    """The image, built now for the step if nobody has; raises EngineError where it cannot be."""
    exit, container = await build(resources, image, log, step)
    if container is None:
        raise EngineError(exit.detail or f"{image.title} could not be built", exit.trouble or "image_build")
    return container


async def build(
    resources: SessionResources, image: Image, log: Path, step: Step | None = None
) -> tuple[Exit, Container | None]:
    """The image, built once in a session, whoever asks; one that failed is tried again when asked again.

    Where it is ours, it holds the workspace of the step as that is now, so what was made there is in it as well.
    """
    await ensure(resources, image.environment, "execute", log)
    limit = step.limit if step and not step.argv else LIMIT
    is_first = image in resources.early  # who asks first after it was built early has not heard that it failed
    resources.early.discard(image)
    return await resources.built.get(
        image,
        lambda: build_in_time(resources, image, step, limit),
        again=lambda built: built[1] is None and not is_first,
    )


async def build_early(resources: SessionResources, image: Image, step: Step) -> None:
    """Builds what a Dockerfile makes before anybody asks. It goes on until it ends, or the session does."""
    resources.early.add(image)
    await resources.built.get(image, lambda: build_in_time(resources, image, step, step.limit))


async def build_in_time(
    resources: SessionResources, image: Image, step: Step | None, limit: float
) -> tuple[Exit, Container | None]:
    """The image, unless it takes longer: a RUN may never end."""
    try:
        async with asyncio.timeout(limit):
            return await build_image(resources, image, step)
    except TimeoutError:
        detail = f"It ran into its limit of {limit:g} s."
        return Exit(code=None, timed_out=True, detail=detail, duration=limit, root=WORK), None


async def build_image(resources: SessionResources, image: Image, step: Step | None) -> tuple[Exit, Container | None]:
    """The image, really built; else the exit: 1 a RUN failed, 2 wrong Dockerfile, 3 no such base, 4 no such secret."""
    begun = time.monotonic()
    try:
        container = docker_image(resources, image) if image.dockerfile else own_image(resources, image, step)
        built = await resources.session.ask(container.sync(), limit=None)
        await check_image_user(resources, built)
    except ExecFailedError as error:
        return failed_run(resources, image, error, time.monotonic() - begun), None
    except EngineRefusedError as error:
        kind = classify(str(error))
        if kind not in CODES:
            text = f"{image.title} could not be built: {essential(str(error))}"
            return Exit(code=None, trouble=kind or "image_build", detail=text, root=WORK), None
        said = explained(resources, image, essential(str(error)))
        return Exit(code=CODES[kind], stderr=said, duration=time.monotonic() - begun, root=WORK), None
    except EngineError as error:
        return no_exit(error, WORK), None
    return Exit(code=0, stdout=f"built {image.title}\n", duration=time.monotonic() - begun, root=WORK), built


def failed_run(resources: SessionResources, image: Image, error: ExecFailedError, seconds: float) -> Exit:
    """A RUN that failed. Without a secret that it mounts, it may do what it does nowhere else."""
    absent = [name for name in secrets_of(text_of(resources, image), error.argv) if name not in image.secrets]
    # a user that is not there: the RUN never began
    code = 2 if classify(str(error)) == "dockerfile" else CODES["secret"] if absent else 1
    message = essential(str(error))
    if code == CODES["secret"]:
        last = (error.stderr.strip() or message).splitlines()[-1]
        message = f'secret "{absent[0]}" was not given to a RUN that mounts it, and that failed: {last}'
    said = explained(resources, image, f"{message}\n{error.stderr}".strip(), error.argv)
    return Exit(code=code, stdout=error.stdout, stderr=said, duration=seconds, root=WORK)


def docker_image(resources: SessionResources, image: Image) -> Container:
    """The stack's own Dockerfile, in its own context."""
    context, dockerfile = (
        resources.client.host().directory(str(resources.config.snapshot / image.context)),
        image.dockerfile,
    )
    if dockerfile.startswith("../"):  # the engine reads none that lies elsewhere; what it ignores may lie beside it
        path = resources.config.snapshot / path_of(image)
        for end in ("", ".dockerignore"):
            if path.with_name(path.name + end).is_file():
                context = context.with_file(OUTSIDE + end, resources.client.host().file(f"{path}{end}"))
        dockerfile = OUTSIDE
    # a Dockerfile names a secret by its id: here nothing else can be in its name
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
    """Raises ExecFailedError or EngineRefusedError if the image lacks its user. The build does not notice that."""
    if not await resources.session.ask(built.user()):
        return
    try:
        await resources.session.ask(built.with_exec(["true"], expect=ANY).sync())
    except (ExecFailedError, EngineRefusedError) as error:
        if classify(str(error)) == "dockerfile":  # an image without that program is none of our business
            raise


def own_image(resources: SessionResources, image: Image, step: Step | None) -> Container:
    """Production's environment with the component's files, and nothing that installing it needed."""
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


def path_of(image: Image) -> str:
    """The Dockerfile, relative to the stack's root."""
    return posixpath.normpath(posixpath.join(image.context, image.dockerfile))


def text_of(resources: SessionResources, image: Image) -> str:
    """What the Dockerfile says; nothing where there is none."""
    try:
        return (resources.config.snapshot / path_of(image)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def explained(resources: SessionResources, image: Image, message: str, argv: tuple[str, ...] = ()) -> str:
    """The engine's message behind the Dockerfile that it is about, for whoever looks for the line."""
    if not image.dockerfile:
        return message
    run = f"# run {json.dumps(argv)}\n" if argv else ""
    text = text_of(resources, image).rstrip()
    return f"# dockerfile {path_of(image)}\n# begin\n{text}\n# end\n{run}{message}"
