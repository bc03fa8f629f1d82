"""Lowers rows to steps: one pure function for checks, one for the environments that they run in.

Engines interpret what comes out of here and never see a check's name.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from tasks.errors import UsageError
from tasks.stack import NodeProject, PythonProject, Stack
from tasks.steps import (
    CACHE,
    DB_HOST,
    DB_NAME,
    DB_PASSWORD,
    DB_PORT,
    DB_URL,
    DB_USER,
    ENV,
    Check,
    Command,
    Database,
    Environment,
    Image,
    Service,
    Step,
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
PYTHON_CONTROL = (
    "uv",
    "pip",
    "install",
    "--dry-run",
    "--no-cache",
    "--no-deps",
    "--target",
    f"{ENV}-control",
    "packaging",
)
NODE_CONTROL = ("npm", "view", "semver", "version", "--prefer-online")
NODE_CACHE = (("NODE_COMPILE_CACHE", f"{CACHE}/node"),)
COMPILED = (("UV_COMPILE_BYTECODE", "1"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """What lowering looks at beside the check itself. `digest` gives the content digest of a file of the tree.

    `day` is part of the key of what no lock pins: it is resolved anew each day.
    """

    stack: Stack
    digest: Callable[[str], str]
    day: str = ""

    def environment(self, check: Check, name: str) -> Environment | None:
        """What has to be installed for a command of the check, or None where it asks for nothing."""
        if name in {"", "image"}:
            return None
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
        shared = [each for each in check.commands if each.inputs is None]
        return Step(
            slot=slot_of(check, command),
            argv=with_database(command.argv, database),
            cwd=command.cwd,
            inputs=command.inputs or check.inputs,
            limit=command.limit,
            phase=command.phase,
            env=variables(command, database),
            secrets=command.secrets,
            begins=command not in shared or (command is shared[0] and not check.upon),
            volatile=command.volatile or database is not None or (last and check.service is not None),
            environment=self.environment(check, command.environment),
            image=self.image(check) if command.environment == "image" else None,
            database=database,
            service=self.service(check, database) if last else None,
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


def slot_of(check: Check, command: Command | None = None) -> str:
    """Checks do not see each other's files, unless one goes on with what another made."""
    if command is not None and command.inputs is not None:
        return slug(f"{check.id} {command.label}")
    return slug(check.upon or check.id)


def database_of(check: Check, attempt: int = 1, migrated: int = 1) -> Database | None:
    """The database of a check. Each attempt gets one of its own: what the one before left may be half done."""
    template = f"migrated_{slug(check.component)}"
    match check.database:
        case "template":
            return Database(name=f"{template}_{attempt}")
        case "empty":
            return Database(name=f"{slug(check.id)}_{attempt}")
        case "migrated":
            return Database(name=f"{slug(check.id)}_{attempt}", template=f"{template}_{migrated}")
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


def key_of(*parts: object) -> str:
    """A digest of plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def acquire(label: str, *argv: str, cwd: str, parser: str, env: tuple[tuple[str, str], ...] = ()) -> Command:
    """A command that brings something from outside."""
    return Command(argv=argv, label=label, cwd=cwd, env=env, parser=parser, phase="acquire", limit=900)


def python_commands(project: PythonProject, name: str) -> tuple[Command, ...]:
    """Installs what the lock holds, and nothing of the project itself: that comes from the workspace."""
    wheel = COMPILED
    if project.kind == "uv":
        groups = ("--no-dev",) if name == "production" else ("--all-groups", "--all-extras")
        frozen = ("--frozen",) if project.lock else ()
        local = ("--no-install-project", "--no-install-workspace", "--no-install-local", "--no-editable")
        argv = ("uv", "sync", *frozen, *groups, *local)
        env = (*wheel, ("UV_PROJECT_ENVIRONMENT", ENV))
        return (acquire(" ".join(("uv sync", *frozen)), *argv, cwd=project.root, parser="uv", env=env),)
    files = project.production if name == "production" else project.development or project.production
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=project.root, parser="uv")
    if not files:
        return (make,)
    listed = tuple(part for file in files for part in ("-r", f"@work@/{file}"))
    # a path dependency cannot have a hash; those that have one are verified all the same
    hashes = ("--require-hashes",) if project.hashed and len(project.paths) < 2 else ()
    argv = ("uv", "pip", "install", "--python", ENV, *hashes, *listed)
    return (make, acquire("uv pip install", *argv, cwd=project.root, parser="uv", env=wheel))


def python_environment(project: PythonProject, name: str, digest: Callable[[str], str], day: str) -> Environment:
    """A virtual environment from the lock: production's, or with everything that development adds."""
    commands = python_commands(project, name)
    pinned = project.pinned or project.lock is not None
    content = [*((path, digest(path)) for path in project.inputs), "" if pinned else day]
    return Environment(
        kind="python",
        title=f"{name} dependencies of {project.root}",
        root=project.root,
        version=project.python,
        inputs=project.inputs,
        commands=commands,
        control=PYTHON_CONTROL,
        key=key_of("python", content, [asdict(command) for command in commands], asdict(project.python)),
    )


def node_commands(project: NodeProject) -> tuple[Command, ...]:
    """A frozen installation by the stack's own package manager; a plain one where there is no lock."""
    if project.manager == "pnpm":
        frozen = "--frozen-lockfile" if project.lock else "--no-frozen-lockfile"
        argv = ("pnpm", "install", frozen, "--reporter=append-only")
        return (acquire(f"pnpm install {frozen}", *argv, cwd=project.root, parser="pnpm"),)
    if project.manager == "npm":
        verb = "ci" if project.lock else "install"
        flags = ("--no-audit", "--no-fund", "--loglevel=error")
        return (acquire(f"npm {verb}", "npm", verb, *flags, cwd=project.root, parser="npm"),)
    return (acquire(f"{project.manager} install", project.manager, "install", cwd=project.root, parser="plain"),)


def node_environment(project: NodeProject, digest: Callable[[str], str], day: str) -> Environment:
    """The `node_modules` of a package or workspace, as its lock says."""
    commands = node_commands(project)
    content = [*((path, digest(path)) for path in project.inputs), "" if project.lock else day]
    manager = f"{project.manager}@{project.manager_version}" if project.manager_version else project.manager
    return Environment(
        kind="node",
        title=f"packages of {project.root}",
        root=project.root,
        version=project.node,
        inputs=project.inputs,
        commands=commands,
        control=NODE_CONTROL,
        key=key_of("node", content, [asdict(command) for command in commands], asdict(project.node), manager),
        manager=manager,
    )
