"""Lowers checks to steps for the engines, which never see a check's name. Pure."""

import contextlib
import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tasks.catalogue.worker.own_wrangler import lacks_wrangler
from tasks.errors import PredeployError, UsageError
from tasks.planning.environments import our_environment, python_environment, tool_environment
from tasks.planning.node_environments import node_argv, node_environment, with_wrangler
from tasks.stack import Stack, Version
from tasks.steps import (
    CACHE,
    DB_HOST,
    DB_MIGRATED,
    DB_NAME,
    DB_PASSWORD,
    DB_PORT,
    DB_URL,
    DB_USER,
    Check,
    Command,
    Database,
    Environment,
    Image,
    Inputs,
    Service,
    Step,
    TreeName,
)

# The values of the database tokens for a command without a database: well-formed, with no server at the address.
NO_DATABASE = {
    DB_URL: "postgresql://nobody:nothing@127.0.0.1:1/none",
    DB_HOST: "127.0.0.1",
    DB_PORT: "1",
    DB_USER: "nobody",
    DB_PASSWORD: "nothing",
    DB_NAME: "none",
}
NODE_CACHE = (("NODE_COMPILE_CACHE", f"{CACHE}/node"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """The context of lowering. `digest` returns the content digest of a file of the tree.

    `day` is part of the key of environments without a lock, which are resolved again each day. `base` lowers the
    commands that run in the base. `probe_lock` is the text of the lock of predeploy's probes, `wrangler_lock` that of
    predeploy's own wrangler.
    """

    stack: Stack
    digest: Callable[[str], str]
    day: str = ""
    probe_lock: str = ""
    wrangler_lock: str = ""
    base: "Lowering | None" = None

    def environment(self, check: Check, name: str, component_path: str = "", tree: TreeName = "") -> Environment | None:
        """Returns the environment for a program of the check, or of another component; None if it needs none.

        Raises UsageError if the component declares no such packages.
        """
        if name in {"", "image"}:
            return None
        if name == "ours":
            return our_environment(self.probe_lock)
        if tree == "base":
            assert self.base is not None
            installed = self.base.environment(check, name, component_path)
            return installed and replace(installed, tree=tree)
        path = component_path or check.component
        # one directory may have two components: a Django project, and a site with Node packages
        for component in self.stack.components:
            if component.path != path:
                continue
            if name == "node" and component.node is not None:
                lock = self.wrangler_lock if lacks_wrangler(component) else ""
                return with_wrangler(node_environment(component.node, self.digest, self.day), lock)
            if name != "node" and component.python is not None:
                return python_environment(component.python, name, self.digest, self.day)
        raise UsageError(
            f"the check {check.id} requires the {name} environment, but {path} declares no such packages. "
            "Remove `environment` from the check, or name another component."
        )

    def environment_of(self, check: Check, program: Command) -> Environment | None:
        """Returns the environment for a command of the check, or for one of its servers."""
        if program.environment == "tool":
            return tool_environment(program.packages, self._python(program.component or check.component))
        return self.environment(check, program.environment, program.component, program.tree)

    def _python(self, path: str) -> Version:
        """Returns the version of Python that a component requires."""
        projects = (each.python for each in self.stack.components if each.path == path)
        return next((project.python for project in projects if project is not None), Version())

    def environments(self, check: Check, programs: Iterable[Command]) -> tuple[Environment, ...]:
        """Returns the environments of all programs, each once."""
        found = (self.environment_of(check, program) for program in programs)
        return tuple({each.key: each for each in found if each is not None}.values())

    def step(self, check: Check, command: Command, attempt: int = 1, migrated: int = 1) -> Step:
        """Returns one command of a check as a step, with its servers.

        `migrated` is the attempt that made the migrated database.
        """
        database = database_of(check, attempt, migrated)
        first = next(
            (each for each in check.commands if each.inputs is None and share_workspace(each, command)), command
        )
        environment = self.environment_of(check, command)
        argv = tuple(part.replace(DB_MIGRATED, template_of(check, migrated)) for part in command.argv)
        return Step(
            slot=slot_of(check, command),
            argv=node_argv(environment, with_database(argv, database)),
            cwd=command.cwd,
            # the check's inputs hold for the tree, not for the base
            inputs=command.inputs or (Inputs() if command.tree else check.inputs),
            limit=command.limit,
            phase=command.phase,
            env=variables(command, database, environment),
            secrets=command.secrets,
            begins=command.inputs is not None
            or (command is first and (bool(command.component) or not check.workspace_of)),
            volatile=command.volatile or database is not None or bool(command.services),
            environment=environment,
            image=self.image(check) if command.environment == "image" else None,
            database=database,
            services=tuple(self.service(check, each, database) for each in command.services),
            tree=command.tree,
            shared=command.shared,
            packages=self._packages_in(check, slot_of(check, command)),
        )

    def _packages_in(self, check: Check, slot: str) -> str:
        """Returns the key of the packages of Node that the check's programs use in a slot; empty without any."""
        programs = (each for command in check.commands if slot_of(check, command) == slot for each in command.programs)
        used = (self.environment_of(check, program) for program in programs)
        return next((each.key for each in used if each is not None and each.kind == "node"), "")

    def image(self, check: Check) -> Image | None:
        """Returns the image of the check's component. Without a Dockerfile it gets environment and inputs."""
        if check.image is None or check.image.dockerfile:
            return check.image
        return replace(check.image, environment=self.environment(check, "production"), inputs=check.inputs)

    def service(self, check: Check, server: Command, database: Database | None) -> Service:
        """Returns a server of a command. It gets the check's database only if it uses a database token."""
        uses_database = any(
            "@db." in text for text in (*server.argv, *server.in_image, *(value for _, value in server.env))
        )
        environment = self.environment_of(check, server)
        return Service(
            name=server.label,
            argv=node_argv(environment, with_database(server.argv, database)),
            cwd=server.cwd,
            env=variables(server, database, environment),
            secrets=server.secrets,
            environment=environment,
            image=self.image(check) if server.environment == "production" else None,
            database=database if uses_database else None,
            in_image=with_database(server.in_image, database),
            entry=server.entry,
        )


def environments_of(check: Check, lowering: Lowering) -> tuple[Environment, ...]:
    """Returns the environments of a check. It skips undeclared packages, because the check's own run reports them."""
    found: dict[str, Environment] = {}
    for program in check.programs:
        with contextlib.suppress(PredeployError):
            environment = lowering.environment_of(check, program)
            found |= {environment.key: environment} if environment is not None else {}
    return tuple(found.values())


def dockerfile_of(image: Image) -> str:
    """Returns the path of an image's Dockerfile in the stack."""
    return posixpath.normpath(posixpath.join(image.context, image.dockerfile))


def slug(text: str) -> str:
    """Returns a unique name for a text that is safe in paths and in SQL, and short enough for both."""
    plain = re.sub(r"[^a-z0-9]", "_", text.lower()).strip("_")
    return f"{plain[:32]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def share_workspace(command: Command, other: Command) -> bool:
    """Whether two commands of a check run in the same workspace, if neither has its own inputs."""
    return (command.component, command.tree) == (other.component, other.tree)


def slot_of(check: Check, command: Command | None = None) -> str:
    """Returns the slot of a command. Each check and each tree has its own, unless a check continues another's."""
    if command is not None and command.inputs is not None:
        return slug(f"{check.id} {command.label}")
    if command is not None and command.component:
        return slug(f"{check.id} in {command.component}")
    return slug(check.workspace_of or check.id) + (f"_{command.tree}" if command and command.tree else "")


def template_of(check: Check, attempt: int) -> str:
    """Returns the name of the migrated database that this attempt made."""
    return f"migrated_{slug(check.migrated_by or check.component)}_{attempt}"


def database_of(check: Check, attempt: int = 1, migrated: int = 1) -> Database | None:
    """Returns the database of a check. Each attempt has its own, because an earlier one may be half migrated."""
    match check.database:
        case "template":
            return Database(name=template_of(check, attempt))
        case "empty":
            return Database(name=f"{slug(check.id)}_{attempt}")
        case "migrated":
            return Database(name=f"{slug(check.id)}_{attempt}", template=template_of(check, migrated))
        case _:
            return None


def with_database(argv: tuple[str, ...], database: Database | None) -> tuple[str, ...]:
    """Returns the argv. Without a database, its tokens become an address with no server."""
    return argv if database else tuple(without_database(part) for part in argv)


def without_database(text: str) -> str:
    """Returns a text with the database tokens replaced by the values of NO_DATABASE."""
    for token, value in NO_DATABASE.items():
        text = text.replace(token, value)
    return text


def variables(
    command: Command, database: Database | None, environment: Environment | None
) -> tuple[tuple[str, str], ...]:
    """Returns the command's variables. Node programs also get a compile cache, whose keys are file contents."""
    of_packages = environment.variables if environment else ()
    env = (*of_packages, *command.env, *(NODE_CACHE if command.environment == "node" else ()))
    return env if database else tuple((name, without_database(value)) for name, value in env)
