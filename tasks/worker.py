"""The data of a Cloudflare Worker: its wrangler file for the deploy's target, and how the stack deploys it."""

from dataclasses import dataclass, field

from tasks.production import NOWHERE, Sourced


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStep:
    """A command of a deploy. `text` is the command as written, `found` its place. `directory` is its working directory.

    `argv` starts it: plain words, or a shell with the text. `env` has the variables that the command sets.
    """

    text: str
    argv: tuple[str, ...]
    directory: str = "."
    env: tuple[tuple[str, str], ...] = ()
    found: Sourced = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """How the stack deploys a Worker.

    `steps` run before wrangler, in order. `left_out` are commands before wrangler that predeploy does not run, because
    they change other systems or only test. `options` are those of `wrangler deploy`, without the environment and the
    configuration. `environment` is the name of an `env` section, and `is_named` means that it is given as `--env`, even
    if it is empty. `directory` is wrangler's working directory, `config` the file after `--config`, relative to it.
    `env` has the variables that the call sets. `found` is the place of the call. `implied` means that no file calls the
    build before wrangler: predeploy adds the package's build script, because the Worker needs its files.
    """

    steps: tuple[DeployStep, ...] = ()
    left_out: tuple[DeployStep, ...] = ()
    options: tuple[str, ...] = ()
    environment: str = ""
    is_named: bool = False
    directory: str = "."
    config: str = ""
    env: tuple[tuple[str, str], ...] = ()
    found: Sourced = NOWHERE
    implied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LostBinding:
    """A read of a binding or variable that the target lacks. Another target has it in `section`, a key of wrangler."""

    name: str
    section: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A Cloudflare Worker. `config` is its wrangler file, from which come `name`, `main` and `assets` (a directory).

    All values are those of the deploy's target: the top level of the wrangler file, or the section `environment` with
    what it inherits. `environments` has the names of the `env` sections. `deploy` is how the stack deploys the Worker.
    `is_built` means that a build makes the entry point, or that a plugin of the build bundles the Worker: then the
    configuration that is deployed is the build's.
    `tsconfig` is set for a Worker with source code in TypeScript. `date` and `flags` are for compatibility. `vars` has
    JSON values, `bindings` the sections that bind other objects to names. `rules` map files to kinds of modules.
    `crons` are the triggers of its `scheduled` handler. `containers` are the classes that run images of containers.
    `reads` has the text variables that the code expects and the wrangler file does not set; most are secrets.
    `lost` are reads of bindings and variables that only other targets have. `unmigrated` are the D1 databases without
    migrations in the tree. `sources` are the files of the code.
    """

    config: str
    name: str
    main: str = ""
    assets: str = ""
    tsconfig: str | None = None
    environments: tuple[str, ...] = ()
    environment: str = ""
    deploy: Deploy = field(default_factory=Deploy)
    is_built: bool = False
    date: str = ""
    flags: tuple[str, ...] = ()
    vars: dict[str, object] = field(default_factory=dict)
    bindings: dict[str, object] = field(default_factory=dict)
    rules: tuple[dict[str, object], ...] = ()
    crons: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    lost: tuple[LostBinding, ...] = ()
    unmigrated: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
