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
from tasks.engines.dagger.resources import Workshop
from tasks.engines.dagger.session import ANY, BuildArg, Container, ExecFailedError, RefusedError
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.steps import Image, Step

CODES = {"dockerfile": 2, "base_image": 3, "secret": 4}
LIMIT = 1800.0
"""Seconds for a build that no step of its own has asked for."""
OUTSIDE = ".predeploy.Dockerfile"
"""A Dockerfile from outside of its context has this name in it."""


async def ensure_image(shop: Workshop, image: Image, log: Path, step: Step | None = None) -> Container:
    """The image, built now for the step if nobody has; raises EngineError where it cannot be."""
    exit, container = await build(shop, image, log, step)
    if container is None:
        raise EngineError(exit.detail or f"{image.title} could not be built", exit.trouble or "image_build")
    return container


async def build(shop: Workshop, image: Image, log: Path, step: Step | None = None) -> tuple[Exit, Container | None]:
    """The image, built once in a session, whoever asks; one that failed is tried again when asked again.

    Where it is ours, it holds the workspace of the step as that is now, so what was made there is in it as well.
    """
    await ensure(shop, image.environment, "execute", log)
    limit = step.limit if step and not step.argv else LIMIT
    is_first = image in shop.early  # who asks first after it was built early has not heard that it failed
    shop.early.discard(image)
    return await shop.built.get(
        image,
        lambda: build_in_time(shop, image, step, limit),
        again=lambda built: built[1] is None and not is_first,
    )


async def build_early(shop: Workshop, image: Image, step: Step) -> None:
    """Builds what a Dockerfile makes before anybody asks. It goes on until it ends, or the session does."""
    shop.early.add(image)
    await shop.built.get(image, lambda: build_in_time(shop, image, step, step.limit))


async def build_in_time(shop: Workshop, image: Image, step: Step | None, limit: float) -> tuple[Exit, Container | None]:
    """The image, unless it takes longer: a RUN may never end."""
    try:
        async with asyncio.timeout(limit):
            return await build_image(shop, image, step)
    except TimeoutError:
        detail = f"It ran into its limit of {limit:g} s."
        return Exit(code=None, timed_out=True, detail=detail, duration=limit, root=WORK), None


async def build_image(shop: Workshop, image: Image, step: Step | None) -> tuple[Exit, Container | None]:
    """The image, really built; else the exit: 1 a RUN failed, 2 wrong Dockerfile, 3 no such base, 4 no such secret."""
    begun = time.monotonic()
    try:
        container = docker_image(shop, image) if image.dockerfile else own_image(shop, image, step)
        built = await shop.session.ask(container.sync(), limit=None)
        await begin_as_user(shop, built)
    except ExecFailedError as error:
        return failed_run(shop, image, error, time.monotonic() - begun), None
    except RefusedError as error:
        kind = classify(str(error))
        if kind not in CODES:
            text = f"{image.title} could not be built: {essential(str(error))}"
            return Exit(code=None, trouble=kind or "image_build", detail=text, root=WORK), None
        said = explained(shop, image, essential(str(error)))
        return Exit(code=CODES[kind], stderr=said, duration=time.monotonic() - begun, root=WORK), None
    except EngineError as error:
        return no_exit(error, WORK), None
    return Exit(code=0, stdout=f"built {image.title}\n", duration=time.monotonic() - begun, root=WORK), built


def failed_run(shop: Workshop, image: Image, error: ExecFailedError, seconds: float) -> Exit:
    """A RUN that failed. Without a secret that it mounts, it may do what it does nowhere else."""
    absent = [name for name in secrets_of(text_of(shop, image), error.argv) if name not in image.secrets]
    # a user that is not there: the RUN never began
    code = 2 if classify(str(error)) == "dockerfile" else CODES["secret"] if absent else 1
    message = essential(str(error))
    if code == CODES["secret"]:
        last = (error.stderr.strip() or message).splitlines()[-1]
        message = f'secret "{absent[0]}" was not given to a RUN that mounts it, and that failed: {last}'
    said = explained(shop, image, f"{message}\n{error.stderr}".strip(), error.argv)
    return Exit(code=code, stdout=error.stdout, stderr=said, duration=seconds, root=WORK)


def docker_image(shop: Workshop, image: Image) -> Container:
    """The stack's own Dockerfile, in its own context."""
    context, dockerfile = shop.client.host().directory(str(shop.site.snapshot / image.context)), image.dockerfile
    if dockerfile.startswith("../"):  # the engine reads none that lies elsewhere; what it ignores may lie beside it
        path = shop.site.snapshot / path_of(image)
        for end in ("", ".dockerignore"):
            if path.with_name(path.name + end).is_file():
                context = context.with_file(OUTSIDE + end, shop.client.host().file(f"{path}{end}"))
        dockerfile = OUTSIDE
    # a Dockerfile names a secret by its id: here nothing else can be in its name
    secrets = [shop.client.set_secret(name, value) for name, value in shop.site.secrets.only(image.secrets).items()]
    return context.docker_build(
        dockerfile=dockerfile,
        target=image.target,
        build_args=[BuildArg(name=name, value=value) for name, value in image.args],
        secrets=secrets,
    )


async def begin_as_user(shop: Workshop, built: Container) -> None:
    """Raises ExecFailedError or RefusedError where the image's user is not there: building it does not notice that."""
    if not await shop.session.ask(built.user()):
        return
    try:
        await shop.session.ask(built.with_exec(["true"], expect=ANY).sync())
    except (ExecFailedError, RefusedError) as error:
        if classify(str(error)) == "dockerfile":  # an image without that program is none of our business
            raise


def own_image(shop: Workshop, image: Image, step: Step | None) -> Container:
    """Production's environment with the component's files, and nothing that installing it needed."""
    installed = shop.installed.get(image.environment.key) if image.environment else None
    slot = shop.slots.get(step.slot) if step else None
    if installed is None or slot is None:
        raise EngineError(f"what the {image.title} is made of was lost with the engine's session", "engine_lost")
    container = (
        installed.toolchain.without_directory(MANAGER)
        .with_directory(ENV, dict(installed.packages)[ENV])
        .with_directory(WORK, slot.work)
    )
    container = shop.on_path(container, image.environment, image.cwd, installed)
    return container.with_env_variable("PYTHONUNBUFFERED", "1").with_workdir(f"{WORK}/{image.cwd}")


def path_of(image: Image) -> str:
    """The Dockerfile, relative to the stack's root."""
    return posixpath.normpath(posixpath.join(image.context, image.dockerfile))


def text_of(shop: Workshop, image: Image) -> str:
    """What the Dockerfile says; nothing where there is none."""
    try:
        return (shop.site.snapshot / path_of(image)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def explained(shop: Workshop, image: Image, message: str, argv: tuple[str, ...] = ()) -> str:
    """The engine's message behind the Dockerfile that it is about, for whoever looks for the line."""
    if not image.dockerfile:
        return message
    run = f"# run {json.dumps(argv)}\n" if argv else ""
    text = text_of(shop, image).rstrip()
    return f"# dockerfile {path_of(image)}\n# begin\n{text}\n# end\n{run}{message}"
