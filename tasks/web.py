"""The data of a Django project."""

from dataclasses import dataclass

from tasks.production import NOWHERE, ProductionServer, Sourced, SystemInstall
from tasks.variable import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A Django project. `directory` is the directory of manage.py.

    `settings` is the module of the deployed process, and `settings_found` its origin. `manage_settings` is the
    default in manage.py. `wsgi` and `asgi` are `module:attribute`. `apps` are directories with migrations. `launch`
    is the server that production starts. The image is built from `dockerfile` in the directory `context`, up to the
    stage `target` (if empty, the last), with `args`, and `installs` are its system packages. `frontend` is the command
    that builds files outside of the tree. `reads` are the variables that the code reads. `examples` are all example
    files, the first value of a name counts. `given` are variables that the Dockerfile and compose files set, as name,
    value and file. `directories` of the tree are made by the image, and not in git. `module_paths` are in
    the image's PYTHONPATH. `calls` are the commands of manage.py that each deploy runs. `postgres`: one names it.
    `postgres_image` is a compose file's image of it with extensions.
    """

    directory: str
    settings: str = ""
    settings_found: Sourced = NOWHERE
    manage_settings: str = ""
    wsgi: str = ""
    asgi: str = ""
    apps: tuple[str, ...] = ()
    launch: ProductionServer | None = None
    dockerfile: str | None = None
    dockerfile_found: Sourced = NOWHERE
    context: str = "."
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    env_example: str | None = None
    installs: tuple[SystemInstall, ...] = ()
    frontend: Sourced = NOWHERE
    directories: tuple[str, ...] = ()
    module_paths: tuple[str, ...] = ()
    calls: tuple[Sourced, ...] = ()
    examples: tuple[str, ...] = ()
    reads: tuple[Variable, ...] = ()
    given: tuple[tuple[str, str, str], ...] = ()
    postgres: bool = False
    postgres_image: str = ""
    scheme: str = "postgres"

    @property
    def server(self) -> tuple[str, ...]:
        """The argv of production's server, or an empty one."""
        return self.launch.argv if self.launch else ()
