"""Lowers rows to steps. Engines interpret what comes out of here and never see a check's name. Pure."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tasks.errors import PredeployError, UsageError
from tasks.planning.environments import node_environment, our_environment, python_environment
from tasks.stack import Stack
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

# What a command without a database sees in its variables: well-formed, and nobody there.
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
    """What lowering looks at beside the check itself. `digest` gives the content digest of a file of the tree.

    `day` is part of the key of what no lock pins: it is resolved anew each day. `base` looks at the base.
    """

    stack: Stack
    digest: Callable[[str], str]
    day: str = ""
    base: "Lowering | None" = None

    def environment(self, check: Check, name: str, component_path: str = "", tree: TreeName = "") -> Environment | None:
        """What has to be installed for a program of the check, or of another component; None where that is nothing."""
        if name in {"", "image"}:
            return None
        if name == "ours":
            return our_environment()
        if tree == "base":
            assert self.base is not None
            installed = self.base.environment(check, name, component_path)
            return installed and replace(installed, tree=tree)
        path = component_path or check.component
        # one directory may hold two components: a Django project, and a site with packages of Node
        for component in self.stack.components:
            if component.path != path:
                continue
            if name == "node" and component.node is not None:
                return node_environment(component.node, self.digest, self.day)
            if name != "node" and component.python is not None:
                return python_environment(component.python, name, self.digest, self.day)
        raise UsageError(
            f"the check {check.id} asks for the {name} environment, but {path} declares no such packages. "
            "Take `environment` out of the check, or name another component."
        )

    def environment_of(self, check: Check, program: Command) -> Environment | None:
        """What has to be installed for a command of the check, or for a server beside it."""
        return self.environment(check, program.environment, program.component, program.tree)

    def environments(self, check: Check, programs: Iterable[Command]) -> tuple[Environment, ...]:
        """What has to be installed for all of them, each once."""
        found = (self.environment_of(check, program) for program in programs)
        return tuple({each.key: each for each in found if each is not None}.values())

    def step(self, check: Check, command: Command, attempt: int = 1, migrated: int = 1) -> Step:
        """One command of a check as a step, with the servers beside it.

        `migrated` is the attempt that made the database which others are copies of.
        """
        database = database_of(check, attempt, migrated)
        first = next((each for each in check.commands if each.inputs is None and alike(each, command)), command)
        argv = tuple(part.replace(DB_MIGRATED, template_of(check, migrated)) for part in command.argv)
        return Step(
            slot=slot_of(check, command),
            argv=with_database(argv, database),
            cwd=command.cwd,
            # which files of the base are of no use to it, nobody has found out
            inputs=command.inputs or (Inputs() if command.tree else check.inputs),
            limit=command.limit,
            phase=command.phase,
            env=variables(command, database),
            secrets=command.secrets,
            begins=command.inputs is not None
            or (command is first and (bool(command.component) or not check.workspace_of)),
            volatile=command.volatile or database is not None or bool(command.services),
            environment=self.environment_of(check, command),
            image=self.image(check) if command.environment == "image" else None,
            database=database,
            services=tuple(self.service(check, each, database) for each in command.services),
            tree=command.tree,
        )

    def image(self, check: Check) -> Image | None:
        """What the check's component is deployed as; ours is made of the production environment and what it sees."""
        if check.image is None or check.image.dockerfile:
            return check.image
        return replace(check.image, environment=self.environment(check, "production"), inputs=check.inputs)

    def service(self, check: Check, server: Command, database: Database | None) -> Service:
        """A server beside a command. One that names the check's database gets it, and no other one is near it."""
        named = any("@db." in text for text in (*server.argv, *(value for _, value in server.env)))
        return Service(
            name=server.label,
            argv=with_database(server.argv, database),
            cwd=server.cwd,
            env=variables(server, database),
            secrets=server.secrets,
            environment=self.environment_of(check, server),
            image=self.image(check) if server.environment == "production" else None,
            database=database if named else None,
        )


def environments_of(check: Check, lowering: Lowering) -> tuple[Environment, ...]:
    """What has to be installed for a check. The check itself reports an environment that cannot be named."""
    found: dict[str, Environment] = {}
    for program in check.programs:
        with contextlib.suppress(PredeployError):
            environment = lowering.environment_of(check, program)
            found |= {environment.key: environment} if environment is not None else {}
    return tuple(found.values())


def slug(text: str) -> str:
    """A name that is safe in paths and in SQL, short enough for both, and different for different texts."""
    plain = re.sub(r"[^a-z0-9]", "_", text.lower()).strip("_")
    return f"{plain[:32]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def alike(command: Command, other: Command) -> bool:
    """Do two commands of a check run in the same workspace, if neither has inputs of its own?"""
    return (command.component, command.tree) == (other.component, other.tree)


def slot_of(check: Check, command: Command | None = None) -> str:
    """Checks do not see each other's files, unless one goes on with what another made; nor do two trees."""
    if command is not None and command.inputs is not None:
        return slug(f"{check.id} {command.label}")
    if command is not None and command.component:
        return slug(f"{check.id} in {command.component}")
    return slug(check.workspace_of or check.id) + (f"_{command.tree}" if command and command.tree else "")


def template_of(check: Check, attempt: int) -> str:
    """The name of the database that is migrated once, and then copied, made by that attempt."""
    return f"migrated_{slug(check.migrated_by or check.component)}_{attempt}"


def database_of(check: Check, attempt: int = 1, migrated: int = 1) -> Database | None:
    """The database of a check. Each attempt gets one of its own: what the one before left may be half done."""
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
    """Where there is no database, its tokens become an address that nobody is at."""
    return argv if database else tuple(replaced(part) for part in argv)


def replaced(text: str) -> str:
    """A text with the tokens of a database replaced by those of none."""
    for token, value in NO_DATABASE.items():
        text = text.replace(token, value)
    return text


def variables(command: Command, database: Database | None) -> tuple[tuple[str, str], ...]:
    """The command's own variables. Node keeps what it compiled by the content of the sources."""
    env = (*command.env, *(NODE_CACHE if command.environment == "node" else ()))
    return env if database else tuple((name, replaced(value)) for name, value in env)
