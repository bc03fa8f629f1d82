"""A server of the stack beside the step that asks it: in the image that is deployed, where there is one."""

from dataclasses import replace
from pathlib import Path

from tasks import steps
from tasks.engines.dagger.building import ensure_image
from tasks.engines.dagger.environments import ensure
from tasks.engines.dagger.places import WORK
from tasks.engines.dagger.session import Container, Service
from tasks.engines.dagger.variables import outside, without
from tasks.engines.dagger.workshop import Workshop
from tasks.engines.dagger.wrapper import RUN, SERVED, serve
from tasks.engines.tokens import Tokens
from tasks.steps import Service as ServerSpec
from tasks.steps import Step

HOST, PORT = "server", 8000
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the network of the service's own container


async def beside(
    shop: Workshop, container: Container, step: Step, spec: ServerSpec, names: Tokens, log: Path
) -> tuple[Container, Tokens]:
    """The container of the step with the server bound to it, and with what the step calls it by."""
    served = shop.fresh_nonce()  # one of its own each time: another attempt must not meet what the last one left
    server = await make_server(shop, step, spec, served, log)
    names = names.with_values({steps.SERVER_HOST: HOST, steps.SERVER_PORT: str(PORT)})
    return with_served(shop, container.with_service_binding(HOST, server), served), names


async def make_server(shop: Workshop, step: Step, spec: ServerSpec, served: str, log: Path) -> Service:
    """The server, not started yet."""
    entry: list[str] = []
    if spec.image is not None:
        container = await ensure_image(shop, spec.image, log, step)
        entry = await shop.session.ask(container.entrypoint()) or []
    else:
        container = await in_workspace(shop, step, spec, log)
    names = shop.names(spec.environment)
    names = names.with_values({steps.SERVER_HOST: EVERYWHERE, steps.SERVER_PORT: str(PORT)})
    if spec.database is not None:
        container, values = await shop.postgres.bind(container, spec.database)
        names = names.with_values(values)
    env = outside(spec.env) if spec.image is not None else spec.env
    container = shop.with_secrets(container, spec.secrets)
    container = with_served(shop, container, served).with_env_variable(RUN, shop.site.run_id)
    container = container.with_exposed_port(PORT, experimental_skip_healthcheck=True)
    variables = without(names.env(env), spec.secrets)
    return container.as_service(args=serve([*entry, *names.argv(spec.argv)], variables))


async def in_workspace(shop: Workshop, step: Step, spec: ServerSpec, log: Path) -> Container:
    """The container of a server that runs from the step's own workspace."""
    await ensure(shop, spec.environment, "execute", log)
    base, installed = await shop.base(spec.environment, "execute")
    container = shop.furnished(base, shop.slot(replace(step, begins=False)), installed, f"{step.slot}-server")
    return shop.on_path(container, spec.environment, spec.cwd, installed).with_workdir(f"{WORK}/{spec.cwd}")


def with_served(shop: Workshop, container: Container, served: str) -> Container:
    """A place that the server and the step beside it share; the image's user may be anybody."""
    volume = shop.client.cache_volume(f"predeploy-served-{shop.site.run_id}-{served}")
    return container.with_mounted_cache(str(Path(SERVED).parent), volume, source=shop.open_to_all)
