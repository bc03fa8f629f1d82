"""What rows of the catalogue are lowered to, and what engines interpret: data only."""

from dataclasses import dataclass
from typing import Literal

from tasks.models import SkipReason, Stage
from tasks.stack import Version

# Tokens that an engine replaces in argv and in values of the environment.
WORK = "@work@"
"""The root of the step's workspace: the tree of the stack."""
OUT = "@out@"
"""A directory for the outputs of a check: empty when its first step begins, shared by its steps."""
CACHE = "@cache@"
"""A directory kept between runs, for the own cache of a check's tools."""
ENV = "@env@"
"""The directory that an environment is made in."""
PROBES = "@probes@"
"""The directory of our own programs that run beside the services; they need nothing but a Python."""
PYTHON = "@python@"
"""A plain Python 3.11 or newer of the engine's own, without the stack's packages."""
DB_URL, DB_HOST, DB_PORT = "@db.url@", "@db.host@", "@db.port@"
DB_USER, DB_PASSWORD, DB_NAME = "@db.user@", "@db.password@", "@db.name@"
"""The step's own database on the run's Postgres."""
NONCE = "@nonce@"
"""A word that nobody had before: fresh for each run of a step, and the same in its services."""
DB_MIGRATED = "@db.migrated@"
"""The name of the one that others are copies of, on the same server. Copy it, too: nobody may be connected to it."""


def address_of(name: str) -> tuple[str, str]:
    """The tokens of where a step's service of that name listens, host and port.

    In the service's own argv and variables they are where it has to listen; in those of the step, and of services that
    start after it, where it is found.
    """
    return f"@{name}.host@", f"@{name}.port@"


SERVER_HOST, SERVER_PORT = address_of("server")

Phase = Literal["acquire", "execute"]
Fact = Literal["python_error", "no_tests"]
"""What an output shows: its first error lies in a Python file, or it has no counts of tests."""
TreeName = Literal["", "base"]
"""Whose files: those of the tree that is validated, or of the base, which is taken for what is deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Which files of the tree a step sees: those below `include`, without those below `exclude`."""

    include: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program of a check, as a row states it.

    `verdicts` maps exit codes to reason codes: these, and only these, say that the stack's code is broken.
    `empty` holds exit codes that mean: there was nothing to do, which passes and is said.
    `parser` names the reader of its output in `tasks.diagnostics`. `cwd` is relative to the stack's root.
    `environment` names what has to be installed for it: `production`, `development`, `node`, `ours` (what our own
    probes import) or nothing. `image`: it runs in the component's own image, as that was built; without an argv it only
    builds it.
    `unfit` maps exit codes to reason codes that mean: no verdict, and trying again would not help. `limit` is in
    seconds. `evidence` is a pattern that the output of a pass must hold: some tools end with 0 where they did nothing.
    `volatile`: it reads more than its inputs, so it always runs. `secrets` are names of variables whose values the
    run's provider of secrets has. `inputs`: it reads no more than these, and runs in a workspace of its own that holds
    nothing else; what it leaves there nobody finds. `services` are servers that run beside it, in the order in which
    they start: the label of each is its name in tokens. `component`: it runs with the packages of another component
    than its check's, in a workspace of its own. `tree`: whose files it sees, and whose packages its environment holds;
    what is wrong with the base is no verdict on the tree.
    """

    argv: tuple[str, ...]
    label: str
    cwd: str = "."
    environment: Literal["", "production", "development", "node", "ours", "image"] = ""
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    verdicts: tuple[tuple[int, str], ...] = ((1, "findings"),)
    empty: tuple[int, ...] = ()
    unfit: tuple[tuple[int, str], ...] = ()
    explained: tuple[str, ...] = ()
    """Reason codes of `unfit` with their reason in the stack. The first error in the output states it."""
    refined: tuple[tuple[str, Fact, str], ...] = ()
    """A reason code, a fact, and the more exact reason code where both hold."""
    answered: tuple[str, ...] = ()
    """Reason codes that mean: a server answered. Any traceback that it wrote explains the answer."""
    downloads: tuple[str, ...] = ()
    """Reason codes that are no verdict while a package registry of the component does not answer."""
    evidence: str = ""
    parser: str = ""
    phase: Phase = "execute"
    volatile: bool = False
    inputs: Inputs | None = None
    limit: float = 600.0
    services: tuple["Command", ...] = ()
    component: str = ""
    tree: TreeName = ""

    @property
    def programs(self) -> tuple["Command", ...]:
        """It, and the servers beside it."""
        return (self, *self.services)

    @property
    def builds_image(self) -> bool:
        """Does it build the component's image, and nothing else?"""
        return self.environment == "image" and not self.argv


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Locked dependencies, installed once for every step that asks for the same key.

    `commands` run in `root` of a directory that holds nothing but `inputs` (files of the tree) and `files` (paths and
    texts of our own: what is none of the stack's). For `python` they make a virtual environment at ENV, whose programs
    are then first on PATH; for `node` they leave `node_modules` directories, which every workspace then has in the same
    places. `manager` is `pnpm@10.34.9`, `npm`, or empty.
    `control` is a command that succeeds if and only if the package registry answers. `tree` is whose files they are.
    """

    kind: Literal["python", "node"]
    title: str
    root: str
    version: Version
    inputs: tuple[str, ...]
    commands: tuple[Command, ...]
    control: tuple[str, ...]
    key: str
    manager: str = ""
    files: tuple[tuple[str, str], ...] = ()
    tree: TreeName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a component is deployed as.

    With a `dockerfile` (relative to `context`, which is relative to the stack's root) it is built from that: `target`,
    `args` and `secrets` are for the build, and `copies` are the places in it that hold directories or files of the
    stack. Without one it is ours: the component's production `environment` with the workspace of the step that
    builds it at WORK (the files of `inputs`, and what was made of them), and `cwd` to start in.
    """

    title: str
    dockerfile: str = ""
    context: str = "."
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    environment: Environment | None = None
    inputs: Inputs = Inputs()
    cwd: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of a step's own on the run's Postgres, made when the step first asks for it.

    `template` names another one that it is a copy of (its maker has finished by then), else it is empty.
    """

    name: str
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server that runs beside a step, from before it until after it. `name` is what its tokens begin with."""

    name: str
    argv: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    environment: Environment | None = None
    image: Image | None = None
    database: Database | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, ready for an engine. `slot` tells which steps share a workspace, OUT and CACHE.

    `begins`: what an earlier attempt left in the slot is not there. `secrets` are names of variables: the engine has
    the values, which win over those of `env`, and no token is replaced in them. `volatile`: it may come out differently
    on the same inputs, so an engine that remembers runs it all the same. `image`: it runs there, and `environment` and
    the workspace are not; without an argv it is the build of the image. `services` start in their order, without
    waiting for each other; what is told of them, is told in that order. `tree`: whose files the workspace holds.
    """

    slot: str
    argv: tuple[str, ...]
    cwd: str
    inputs: Inputs
    limit: float
    phase: Phase = "execute"
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    begins: bool = False
    volatile: bool = False
    environment: Environment | None = None
    image: Image | None = None
    database: Database | None = None
    services: tuple[Service, ...] = ()
    tree: TreeName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A row of the catalogue for one component.

    `id` is unique in a plan (`mypy[apps/web]`), `name` is the row's, `title` what people read.
    `needs` are ids of checks that have to pass first. `database` says which one its commands get: the one that later
    checks copy (`template`), an `empty` one, or a copy of the `migrated` one: that of the component `migrated_by`, or
    its own.
    `upon` is the id of a check whose workspace it goes on with, where it runs what that one made; else it has its own.
    `wants` are capabilities that an engine may lack; then the second word of the pair is the gap in the proof.
    `image` is what commands of the environment `image`, and servers of `production` where an engine can, run in.
    `leaves` is what a deploy takes of what it made: directories, with tokens, each with what its place is called
    beside the component.
    `hindrance` is why it cannot run in this place; then it has no commands.
    """

    id: str
    name: str
    title: str
    stage: Stage
    component: str
    commands: tuple[Command, ...]
    inputs: Inputs = Inputs()
    needs: tuple[str, ...] = ()
    database: Literal["", "template", "empty", "migrated"] = ""
    migrated_by: str = ""
    workspace_of: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    image: Image | None = None
    outputs: tuple[tuple[str, str], ...] = ()
    skip_reason: SkipReason | None = None

    @property
    def programs(self) -> tuple[Command, ...]:
        """Every command with the servers beside it."""
        return tuple(program for command in self.commands for program in command.programs)
