"""Installs environments: the packages of a lock, on a base image."""

import asyncio
import os
import re
import shlex
from pathlib import Path

from tasks.engines.dagger import indexes
from tasks.engines.dagger.execution import StepOrder, execute, no_exit
from tasks.engines.dagger.indexes import execute_parts
from tasks.engines.dagger.paths import ENV, PYTHON, WITH_ENV, WORK
from tasks.engines.dagger.resources import InstalledContainer, SessionResources
from tasks.engines.dagger.session import (
    Container,
    Directory,
    EngineRefusedError,
    ExecFailedError,
    with_cached_id,
)
from tasks.engines.dagger.variables import plain_variables
from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.packages.install_scripts import with_patches_only
from tasks.packages.package_managers import PNP, is_yarn_file
from tasks.steps import Environment, Inputs, Phase

FIND_MODULES: tuple[str, ...] = ("find", WORK, "-type", "d", "-name", "node_modules", "-prune")
UNBUILT = re.compile(r"Failed to build|build backend returned an error", re.IGNORECASE)
# Not every package is in the image's release of Debian.
INSTALL_EACH = (
    "apt-get update -qq; export DEBIAN_FRONTEND=noninteractive; "
    'apt-get install -y -qq --no-install-recommends "$@" '
    '|| for name in "$@"; do apt-get install -y -qq --no-install-recommends "$name"; done; true'
)
CONTROL_LIMIT = 60.0


async def prepare(resources: SessionResources, environment: Environment, log: Path) -> Prepared:
    """Installs the environment once per session. A failed installation is repeated on the next call."""
    return await resources.prepared.get(
        environment.key,
        lambda: try_to_install(resources, environment, log),
        again=lambda prepared: prepared.exit.code != 0,
    )


async def ensure(resources: SessionResources, environment: Environment | None, phase: Phase, log: Path) -> None:
    """Installs the environment now if the phase needs it. Raises EngineError if that fails."""
    if environment is None or phase == "acquire" or environment.key in resources.installed:
        return
    exit = (await prepare(resources, environment, log)).exit
    if exit.code != 0:
        raise EngineError(exit.detail or f"the {environment.title} did not install", exit.trouble or "acquire")


async def answers(resources: SessionResources, environment: Environment, log: Path) -> bool:
    """Executes the control command, without the cache: does it succeed?"""
    container = acquiring(resources, await resources.toolchain(environment), environment)
    argv = WITH_ENV.argv(environment.control)
    exit, _ = await execute(
        resources, container, StepOrder(argv=argv, cwd="/", limit=CONTROL_LIMIT, log=log, volatile=True)
    )
    return exit.code == 0


async def try_to_install(resources: SessionResources, environment: Environment, log: Path) -> Prepared:
    """Installs the environment. An error of the engine becomes an exit without a code."""
    try:
        toolchain = await resources.toolchain(environment)
        prepared = await install(resources, environment, toolchain, log)
        if environment.kind == "python" and prepared.exit.code and UNBUILT.search(prepared.exit.stderr):
            prepared = await install(resources, environment, await with_compilers(resources, environment), log)
    except (EngineError, EngineRefusedError, ExecFailedError) as error:
        return Prepared(exit=no_exit(error))
    return prepared


async def with_compilers(resources: SessionResources, environment: Environment) -> Container:
    """The full image of the environment's Python, with the Debian packages that the stack's Dockerfile installs.

    Steps run in it too, because a package that was built there may need its libraries.
    """
    version = resources.choice(environment).version
    base, uv = await asyncio.gather(resources.images.get("python", version, full=True), resources.images.get("uv"))
    if environment.system_packages:
        base = base.with_exec(["sh", "-c", INSTALL_EACH, "sh", *environment.system_packages])
    return base.with_file("/usr/local/bin/uv", uv.file("/uv"))


async def install(resources: SessionResources, environment: Environment, toolchain: Container, log: Path) -> Prepared:
    """Runs the environment's commands on a base image, with only the files that they read."""
    choice = resources.choice(environment)
    staged, gaps = stage(resources, environment), list[str]()
    container = acquiring(resources, toolchain, environment).with_directory(WORK, staged)
    if environment.kind == "python":
        container = resources.with_variables(
            container, {"VIRTUAL_ENV": ENV, "UV_PROJECT_ENVIRONMENT": ENV, "UV_PYTHON": PYTHON}
        )
    exit = Exit(code=0)
    for command in environment.commands:
        variables = WITH_ENV.env(command.env)
        order = StepOrder(argv=(), cwd=f"{WORK}/{command.cwd}", limit=command.limit, log=log, variables=variables)
        exit, container = await execute_parts(resources, container, order, command.argv, environment, WITH_ENV.argv)
        if exit.code != 0 and exit.code not in command.empty:
            return Prepared(exit=exit, command=command, gaps=choice.gaps)
        gaps += [] if exit.code == 0 else [f"{command.label} failed in its container"]
    paths = await find_modules(resources, container, environment) if environment.kind == "node" else (ENV,)
    packages = tuple((path, with_cached_id(container.directory(path))) for path in paths if not is_yarn_file(path))
    files = tuple((path, with_cached_id(container.file(path))) for path in paths if is_yarn_file(path))
    resources.installed[environment.key] = InstalledContainer(toolchain=toolchain, packages=packages, files=files)
    version = f"{environment.kind.capitalize()} {choice.version}"
    return Prepared(exit=Exit(code=0), gaps=(*choice.gaps, *gaps), version=version, reused=exit.reused)


def stage(resources: SessionResources, environment: Environment) -> Directory:
    """The files that an installation reads."""
    files = resources.config.files_of(environment.tree)
    absent = [path for path in environment.inputs if not os.path.lexists(files / path)]
    if absent:
        raise EngineError(f"{environment.title}: {absent[0]} is not among the files of the tree", "internal")
    inputs, tree = environment.inputs, environment.tree
    directory = resources.upload(Inputs(include=inputs), tree) if inputs else resources.client.directory()
    for path, text in environment.files:
        directory = directory.with_new_file(path, text)
    for path in environment.inputs if environment.kind == "node" else ():
        if Path(path).name != "package.json":
            continue
        text = (files / path).read_text(encoding="utf-8", errors="replace")
        without = with_patches_only(text)
        if without != text:
            directory = directory.with_new_file(path, without)
    return directory


def acquiring(resources: SessionResources, toolchain: Container, environment: Environment) -> Container:
    """A container that can install packages."""
    container = indexes.acquiring(resources, toolchain)
    return resources.with_variables(container, plain_variables("acquire", node=environment.kind == "node"))


async def find_modules(resources: SessionResources, container: Container, environment: Environment) -> tuple[str, ...]:
    """The packages of an environment: the outermost node_modules directories, or yarn's files."""
    find = FIND_MODULES
    if environment.linker == "pnp":
        paths = " ".join(shlex.quote(f"{WORK}/{environment.root}/{name}") for name in PNP)
        find = ("sh", "-c", f'for path in {paths}; do [ ! -e "$path" ] || readlink -f "$path"; done')
    listed = await resources.session.ask(container.with_exec(list(find)).stdout())
    return tuple(sorted(listed.splitlines()))
