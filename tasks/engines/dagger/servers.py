"""The servers of a step, each in its own container, or in the component's image.

This module only describes them: the engine starts them together with the step that they are bound to.
"""

import posixpath
from dataclasses import replace
from pathlib import Path

from tasks import steps
from tasks.engines.dagger.building import ensure_image
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.paths import PROBES, SERVED, WORK
from tasks.engines.dagger.resources import PROBE_FILES, SessionResources
from tasks.engines.dagger.session import Container, Directory, Service, with_cached_id
from tasks.engines.dagger.variables import module_path, outside_workspace
from tasks.engines.dagger.wrapper import RUN, serve
from tasks.engines.tokens import Tokens, located
from tasks.steps import NONCE, Step
from tasks.steps import Service as ServerSpec

PORT = 8000
SHARED = 0o777
HEALTHCHECK = "PREDEPLOY_HEALTHCHECK"
"""The variable of a step with the directory in which it asks for the HEALTHCHECK of its server's image."""
STARTUP = "startup"
LOADED = ("throwaway_values.py",)
READABLE = 0o444
"""The user of an image may be anybody, and the files on this machine may be only for their owner."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in the network of the service's container


async def with_servers(
    resources: SessionResources, container: Container, step: Step, names: Tokens, log: Path
) -> tuple[Container, Tokens]:
    """The container of the step, bound to its servers, and the values of their tokens."""
    nonce = resources.fresh_nonce()
    shared = {NONCE: nonce}
    if not step.services:
        return container, names.with_values(shared)
    # a new volume each time: a further attempt must not find files of the last one
    volume = with_cached_id(resources.client.cache_volume(f"predeploy-served-{resources.config.run_id}-{nonce}"))
    directories = with_cached_id(server_directories(resources, step))
    started: dict[str, Service] = {}
    for spec in step.services:
        server = await prepare_server(resources, step, spec, log)
        server, its_names = await with_database_and_secrets(resources, server, spec, shared)
        server = bind_servers(server, started).with_mounted_cache(SERVED, volume, source=directories)
        server = server.with_env_variable(RUN, resources.config.run_id)
        server = server.with_exposed_port(PORT, experimental_skip_healthcheck=True)
        words = spec.in_image if spec.image is not None and spec.image.dockerfile and spec.in_image else spec.argv
        argv = [*(await entrypoint(resources, server, spec)), *its_names.argv(words)]
        variables = variables_of(resources, spec, its_names)
        healthcheck = spec.image.healthcheck if spec.image is not None else None
        spare = resources.config.trust.spare_bytes
        command = serve(spec.name, argv, variables, healthcheck, spec.patience, spare)
        started[spec.name] = server.as_service(args=command)
        if healthcheck is not None:
            container = container.with_env_variable(HEALTHCHECK, f"{SERVED}/{spec.name}")
        shared |= located(spec.name, spec.name, PORT)
    container = bind_servers(container, started).with_mounted_cache(SERVED, volume, source=directories)
    return container, names.with_values(shared)


async def prepare_server(resources: SessionResources, step: Step, spec: ServerSpec, log: Path) -> Container:
    """The container of a server: its image, or its environment with the step's workspace."""
    if spec.image is not None:
        image = await ensure_image(resources, spec.image, log, step)
        # the engine would wait for the image's own HEALTHCHECK before the step; the step asks for it instead
        return await with_startup(resources, image.without_docker_healthcheck(), spec.env)
    await ensure(resources, spec.environment, "execute", log)
    base, installed = await resources.base(spec.environment, "execute")
    slot = resources.slot(replace(step, begins=False))
    container = resources.with_workspace(base, slot, installed, f"{step.slot}-{spec.name}")
    return resources.on_path(container, spec.environment, spec.cwd, installed).with_workdir(f"{WORK}/{spec.cwd}")


async def with_database_and_secrets(
    resources: SessionResources, container: Container, spec: ServerSpec, shared: dict[str, str]
) -> tuple[Container, Tokens]:
    """The container with the server's database and secrets, and the token values."""
    names = resources.names(spec.environment).with_values({**shared, **located(spec.name, EVERYWHERE, PORT)})
    if spec.database is not None:
        container, values = await resources.postgres.bind(container, spec.database)
        names = names.with_values(values)
    return resources.with_secrets(container, spec.secrets), names


def variables_of(resources: SessionResources, spec: ServerSpec, names: Tokens) -> dict[str, str]:
    """The server's own variables. In an image, variables with paths of the workspace are left out."""
    return resources.public_variables(
        names.env(outside_workspace(spec.env) if spec.image is not None else spec.env), spec.secrets
    )


async def entrypoint(resources: SessionResources, container: Container, spec: ServerSpec) -> list[str]:
    """The entrypoint of an image: the server's own, else the one that the image has."""
    if spec.image is not None and spec.entry is not None:
        return list(spec.entry)
    return (await resources.session.ask(container.entrypoint()) or []) if spec.image is not None else []


def bind_servers(container: Container, servers: dict[str, Service]) -> Container:
    """Binds servers to a container, by their names."""
    for name, server in servers.items():
        container = container.with_service_binding(name, server)
    return container


def server_directories(resources: SessionResources, step: Step) -> Directory:
    """The shared directories, one per server. Every user can write to them, because the user of an image is unknown."""
    directories = resources.client.directory()
    for spec in step.services:
        directories = directories.with_new_directory(spec.name, permissions=SHARED)
    return directories


async def with_startup(
    resources: SessionResources, container: Container, env: tuple[tuple[str, str], ...]
) -> Container:
    """The container with the loader on its module path, before the image's own entries, if the variables name it.

    The loader also runs a `sitecustomize` of the image, which it hides.
    """
    if not any(f"{steps.PROBES}/{STARTUP}" in value for _, value in env):
        return container
    own = await resources.session.ask(container.env_variable("PYTHONPATH")) or ""
    path = module_path(env, own).replace(steps.PROBES, PROBES)
    for file in sorted((PROBE_FILES / STARTUP).glob("*.py")):
        container = container.with_new_file(
            posixpath.join(PROBES, STARTUP, file.name), file.read_text(), permissions=READABLE
        )
    for name in LOADED:
        container = container.with_new_file(
            posixpath.join(PROBES, name), (PROBE_FILES / name).read_text(), permissions=READABLE
        )
    return container.with_env_variable("PYTHONPATH", path)
