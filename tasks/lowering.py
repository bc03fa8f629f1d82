"""Lowers rows to steps, with one pure function. Engines interpret what comes out and never see a check's name."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.errors import UsageError
from tasks.packages import node_environment, python_environment
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

    def environment(self, check: Check, name: str, tree: TreeName = "") -> Environment | None:
        """What has to be installed for a command of the check, or None where it asks for nothing."""
        if name in {"", "image"}:
            return None
        if tree == "base":
            assert self.base is not None
            installed = self.base.environment(check, name)
            return installed and replace(installed, tree=tree)
        # one directory may hold two components: a Django project, and a site with packages of Node
        for component in self.stack.components:
            if component.path != check.component:
                continue
            if name == "node" and component.node is not None:
                return node_environment(component.node, self.digest, self.day)
            if name != "node" and component.python is not None:
                return python_environment(component.python, name, self.digest, self.day)
        raise UsageError(
            f"the check {check.id} asks for the {name} environment, but {check.component} declares no such packages. "
            "Take `environment` out of the check, or name another component."
        )

    def step(self, check: Check, command: Command, attempt: int = 1, migrated: int = 1) -> Step:
        """One command of a check as a step. The service runs beside the last command.

        `migrated` is the attempt that made the database which others are copies of.
        """
        database = database_of(check, attempt, migrated)
        last = command is check.commands[-1]
        of_tree = [each for each in check.commands if each.tree == command.tree]
        argv = tuple(part.replace(DB_MIGRATED, template_of(check, migrated)) for part in command.argv)
        return Step(
            slot=slot_of(check, command.tree),
            argv=with_database(argv, database),
            cwd=command.cwd,
            # which files of the base are of no use to it, nobody has found out
            inputs=Inputs() if command.tree else check.inputs,
            limit=command.limit,
            phase=command.phase,
            env=variables(command, database),
            secrets=command.secrets,
            begins=command is of_tree[0] and not check.upon,
            volatile=command.volatile or database is not None or (last and check.service is not None),
            environment=self.environment(check, command.environment, command.tree),
            image=self.image(check) if command.environment == "image" else None,
            database=database,
            service=self.service(check, database) if last else None,
            tree=command.tree,
        )

    def image(self, check: Check) -> Image | None:
        """What the check's component is deployed as; ours is made of the production environment and what it sees."""
        if check.image is None or check.image.dockerfile:
            return check.image
        return replace(check.image, environment=self.environment(check, "production"), inputs=check.inputs)

    def service(self, check: Check, database: Database | None) -> Service | None:
        """The server of a check, with the check's own database."""
        if check.service is None:
            return None
        return Service(
            name=check.service.label,
            argv=check.service.argv,
            cwd=check.service.cwd,
            env=variables(check.service, database),
            secrets=check.service.secrets,
            environment=self.environment(check, check.service.environment),
            image=self.image(check),
            database=database,
        )


def slug(text: str) -> str:
    """A name that is safe in paths and in SQL, short enough for both, and different for different texts."""
    plain = re.sub(r"[^a-z0-9]", "_", text.lower()).strip("_")
    return f"{plain[:32]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def slot_of(check: Check, tree: TreeName = "") -> str:
    """Checks do not see each other's files, unless one goes on with what another made; nor do two trees."""
    return slug(check.upon or check.id) + (f"_{tree}" if tree else "")


def template_of(check: Check, attempt: int) -> str:
    """The name of the database that is migrated once, and then copied, made by that attempt."""
    return f"migrated_{slug(check.component)}_{attempt}"


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
