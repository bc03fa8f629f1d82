"""The servers of a step, each in its own container, or in the component's image.

This module only describes them: the engine starts them together with the step that they are bound to.
"""

from dataclasses import replace
from pathlib import Path

from tasks.engines.dagger.building import ensure_image
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.paths import SERVED, WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import Container, Directory, Service, with_cached_id
from tasks.engines.dagger.startup import with_startup
from tasks.engines.dagger.variables import outside_workspace
from tasks.engines.dagger.wrapper import RUN, serve
from tasks.engines.tokens import Tokens, located
from tasks.steps import NONCE, Step
from tasks.steps import Service as ServerSpec

PORT = 8000
SHARED = 0o777
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
        started[spec.name] = server.as_service(args=serve(spec.name, argv, variables_of(resources, spec, its_names)))
        shared |= located(spec.name, spec.name, PORT)
    container = bind_servers(container, started).with_mounted_cache(SERVED, volume, source=directories)
    return container, names.with_values(shared)


async def prepare_server(resources: SessionResources, step: Step, spec: ServerSpec, log: Path) -> Container:
    """The container of a server: its image, or its environment with the step's workspace."""
    if spec.image is not None:
        image = await ensure_image(resources, spec.image, log, step)
        return await with_startup(resources, image, spec.env)
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
