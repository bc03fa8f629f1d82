"""Commands, checks and steps: the data between the catalogue's rows and the engines."""

from dataclasses import dataclass
from typing import Literal

from tasks.models import SkipReason, Stage
from tasks.production import Healthcheck, KeyLines
from tasks.stack import TestSelection, Version

# tokens that an engine replaces in argv and in values of variables
WORK = "@work@"  # the root of the step's workspace, which has the stack's files
OUT = "@out@"  # a directory for the outputs of a check, empty when its first step begins; its steps share it
CACHE = "@cache@"  # a directory that is kept between runs, for the caches of a check's tools
ENV = "@env@"  # the directory in which an environment is made
PROBES = "@probes@"  # the directory of predeploy's probes
PYTHON = "@python@"  # the engine's own Python, 3.11 or newer, without the stack's packages
DB_URL, DB_HOST, DB_PORT = "@db.url@", "@db.host@", "@db.port@"  # the step's own database on the run's Postgres
DB_USER, DB_PASSWORD, DB_NAME = "@db.user@", "@db.password@", "@db.name@"
LIMIT = "@limit@"  # in argv: the seconds that the step is given, more on a busy machine
NONCE = "@nonce@"
"""A random word: new for each run of a step, and the same in its services."""
DB_MIGRATED = "@db.migrated@"  # on the same server; only copy it: Postgres copies no database with connections


def address_of(name: str) -> tuple[str, str]:
    """Returns the tokens for host and port of a service. It listens there, and the step connects there."""
    return f"@{name}.host@", f"@{name}.port@"


SERVER_HOST, SERVER_PORT = address_of("server")
Phase = Literal["acquire", "execute"]
Fact = Literal["python_error", "no_tests"]
"""A fact about an output: its first error is in a Python file, or it has no counts of tests."""
TreeName = Literal["", "base"]  # the source of the files: the validated tree, or the base (the deployed commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The files of the tree that a step sees: those below `include`, without those below `exclude`."""

    include: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program of a check, as a row declares it.

    `verdicts` maps exit codes to reason codes. Only these exit codes mean that the stack's code is broken. `empty` has
    the exit codes for "nothing to do", which pass. `unfit` maps exit codes to reason codes for "no verdict", where
    another attempt would not help. Of these, `explained` have a cause in the stack: the output's first error.
    `refined`: a reason code, a fact, and the more exact reason code if both apply. `answered` are reason codes after an
    answer of a server, which a traceback explains. `downloads` are no verdict while a package registry does not answer.
    `evidence` is a pattern that the output of a pass must contain, because some tools end with 0 without any work.
    `proves` is one for the output of a failure, because a wrapper may use the same exit codes. `parser` names the
    reader of the output in `tasks.diagnostics`. `cwd` is relative to the root, `limit` in seconds. `environment` names
    the packages to install: `production`, `development`, `node`, `ours` (the packages of predeploy's probes), `tool`
    (only `packages`, which are requirements) or none. With `image` the command runs in the component's built image;
    without an argv it only builds the image. `secrets` are names of variables whose values come from the run's provider
    of secrets. `volatile`: the command reads more than its inputs, so an engine always runs it; if `daily`, the date
    alone. With `inputs` it reads only these files, in a workspace of its own. `services` are the servers that run next
    to the command, in order; their labels are names in tokens. With `component` the command runs with the packages of
    that component, in its own workspace. `keys` are those of a file, for findings that only name one. `tree` is the
    source of its files and packages. An error in the base is no verdict. `in_image` is a server's argv in its image,
    `entry` the entrypoint before it (None: the image's own). With a `selection`, some of its tests can be chosen.
    `shared`: equal inputs give equal files, which the checks of a run may share.
    """

    argv: tuple[str, ...]
    label: str
    cwd: str = "."
    environment: Literal["", "production", "development", "node", "ours", "tool", "image"] = ""
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    verdicts: tuple[tuple[int, str], ...] = ((1, "findings"),)
    empty: tuple[int, ...] = ()
    unfit: tuple[tuple[int, str], ...] = ()
    explained: tuple[str, ...] = ()
    refined: tuple[tuple[str, Fact, str], ...] = ()
    answered: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    evidence: str = ""
    parser: str = ""
    phase: Phase = "execute"
    proves: str = ""
    volatile: bool = False
    daily: bool = False
    inputs: Inputs | None = None
    limit: float = 600.0
    services: tuple["Command", ...] = ()
    packages: tuple[str, ...] = ()
    component: str = ""
    keys: KeyLines | None = None
    tree: TreeName = ""
    in_image: tuple[str, ...] = ()
    entry: tuple[str, ...] | None = None
    selection: TestSelection | None = None
    shared: bool = False

    @property
    def programs(self) -> tuple["Command", ...]:
        """The command and its services."""
        return (self, *self.services)

    @property
    def builds_image(self) -> bool:
        """Whether the command only builds the component's image."""
        return self.environment == "image" and not self.argv


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Locked dependencies, installed once for all steps with the same `key`.

    `commands` run in `root` of a directory with only `inputs` (of the tree) and `files` (predeploy's own). For `python`
    they make a virtual environment at ENV, and for `node` the `node_modules` of every workspace, or yarn's files
    (`pnp`). `manager` is `pnpm@10.34.9`, `npm`, or empty. `variables` are for its steps. `control` succeeds only if the
    registry answers. `is_own` marks predeploy's own packages, `system_packages` names those of Debian.
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
    linker: Literal["node-modules", "pnp"] = "node-modules"
    variables: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    tree: TreeName = ""
    is_own: bool = False
    system_packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image of a component.

    With a `dockerfile`, relative to `context`, it is built with `target`, `args`, `secrets`. `copies` maps its places
    to those of the stack. Else it has the `environment`, and the workspace of its step (`inputs`) at WORK, with `cwd`.
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
    healthcheck: Healthcheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A step's own database on the run's Postgres, created when the step first needs it.

    With `template` it is a copy of that database, whose step has finished. Without one it is empty.
    """

    name: str
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server next to a step. `in_image`, `entry` are as in `Command`. `patience` multiplies HEALTHCHECK's limit."""

    name: str
    argv: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    environment: Environment | None = None
    image: Image | None = None
    database: Database | None = None
    in_image: tuple[str, ...] = ()
    entry: tuple[str, ...] | None = None
    patience: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, ready for an engine. Steps with the same `slot` share a workspace, OUT and CACHE. `begins` means
    that workspace and OUT have no files of an earlier attempt. `secrets` are names of variables. The engine has their
    values, which win over those of `env`; tokens in them are not replaced. `volatile`: the result may differ on the
    same inputs, so an engine must not reuse an earlier exit. With `image` the step runs in the image, without
    `environment` and workspace; without an argv it builds the image. `services` start and are reported in order,
    without waiting for each other. `tree` is the source of the workspace's files. `shared` is as in `Command`.
    `packages` is the key of the packages of Node that steps in the slot use; empty without any.
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
    shared: bool = False
    packages: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A row of the catalogue for one component.

    `id` is unique in a plan (`mypy[apps/web]`). `needs` are ids of checks that must pass; it does not wait for those in
    `presumed`. `database` is that of the commands: the one that later checks copy (`template`), an `empty` one, or a
    copy of the `migrated` one. `migrated_by` is the component with the migrated database; if empty, the check's own.
    `workspace_of` is the id of the check whose workspace this check continues; empty for its own. `requires` has pairs
    of a capability that an engine may lack, and the gap in the proof without it. `image` is the image for commands of
    the environment `image`, and for servers of `production`. `outputs` has the directories that a deploy uploads, as
    pairs of a suffix for the exported name and a path. With a `skip_reason` the check has no commands.
    """

    id: str
    name: str
    title: str
    stage: Stage
    component: str
    commands: tuple[Command, ...]
    inputs: Inputs = Inputs()
    needs: tuple[str, ...] = ()
    presumed: tuple[str, ...] = ()
    database: Literal["", "template", "empty", "migrated"] = ""
    migrated_by: str = ""
    workspace_of: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    image: Image | None = None
    outputs: tuple[tuple[str, str], ...] = ()
    skip_reason: SkipReason | None = None

    @property
    def programs(self) -> tuple[Command, ...]:
        """Every command and its services."""
        return tuple(program for command in self.commands for program in command.programs)
