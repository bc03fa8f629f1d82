"""Gives the Python processes of an image predeploy's loader of Django's settings."""

import posixpath

from tasks import steps
from tasks.engines.dagger.paths import PROBES
from tasks.engines.dagger.resources import PROBE_FILES, SessionResources
from tasks.engines.dagger.session import Container
from tasks.engines.dagger.variables import module_path

STARTUP = "startup"
SHARED = ("throwaway_values.py",)
READABLE = 0o444
"""The user of an image may be anybody, and the files on this machine may be only for their owner."""


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
    for name in SHARED:
        container = container.with_new_file(
            posixpath.join(PROBES, name), (PROBE_FILES / name).read_text(), permissions=READABLE
        )
    return container.with_env_variable("PYTHONPATH", path)
