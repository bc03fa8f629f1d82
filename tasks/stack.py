"""The data of a stack: its components, and how their dependencies are declared and locked."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from tasks.production import NOWHERE, ProductionServer, Sourced
from tasks.tool_call import ToolCall
from tasks.variable import Variable


class Kind(StrEnum):
    """The kind of a component."""

    WEB = "web"
    WORKER = "worker"
    SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The version of Python or Node that the stack requires.

    `wanted` is a Python specifier (`==3.13.*`) or an npm range (`22`, `>=22`); it is empty if the stack names none.
    `source` is the file that names it. `accepts` is the hard bound (`requires-python`, `engines`), which every
    interpreter must satisfy.
    """

    wanted: str = ""
    source: str = ""
    accepts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """How a Python component's dependencies are declared and locked. Paths are relative to the stack's root.

    `kind` is the way of installation: `uv` (`lock` is the path of uv.lock), `requirements` (`production` and
    `development` list the files), `locked` (`lock` is a lock of another `manager`, and `exported` has its packages) or
    `none` (nothing can be installed). For `uv`, `lock` is None if only the manifest declares dependencies.
    `development` is complete: it repeats production's files unless it includes them.
    `hashed` means that the requirements have hashes. `pinned` means that every requirement has an exact version;
    otherwise the installed versions depend on the day.
    `packages` has the normalised names in the lock, for production and development. `versions` maps names to pinned
    versions.
    `tools` has those of `black`, `mypy`, `pytest` and `ruff` that are configured or direct dependencies. A tool that is
    not in `packages` has no locked version. `configurations` maps tools to their configuration files. `calls` has the
    calls of quality tools in the stack's own files.
    `paths` are the directories of the module path: the project's root (or its `src`), and the path dependencies.
    """

    root: str
    kind: Literal["uv", "requirements", "locked", "none"]
    manifest: str | None = None
    lock: str | None = None
    manager: Literal["", "Poetry", "PDM", "Pipenv"] = ""
    exported: tuple[str, str] = ("", "")
    """The texts of two requirements files, for production and development, with exactly the locked packages."""
    production: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    hashed: bool = False
    pinned: bool = False
    python: Version = Version()
    packages: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    configurations: dict[str, str] = field(default_factory=dict)
    calls: tuple[ToolCall, ...] = ()
    paths: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    """Files that an installation reads: manifests, locks, and requirements files with their includes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProject:
    """How a Node component's dependencies are declared and locked. Paths are relative to the stack's root.

    `root` is the directory with the lock (the workspace's root), `package` the component's own directory.
    `manager_version` is the exact version in `packageManager`, else the pinned one that reads the lock; empty for
    the npm that comes with Node. `linker` is yarn's: with `pnp` there is no node_modules. `lock` is None without one.
    `dependencies` maps names to ranges, including development. `locked` maps the names of known tools to their locked
    versions. `inputs` are the files that an installation reads: every package.json of the workspace, locks, .npmrc and
    patches.
    """

    root: str
    package: str
    manager: Literal["pnpm", "npm", "yarn", "bun"]
    manager_version: str = ""
    linker: Literal["node-modules", "pnp"] = "node-modules"
    lock: str | None = None
    node: Version = Version()
    scripts: dict[str, str] = field(default_factory=dict)
    dependencies: dict[str, str] = field(default_factory=dict)
    locked: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Directories of workspace packages (and path dependencies) that the component depends on, transitively."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A Django project. `directory` is the directory of manage.py.

    `settings` is the module of the deployed process, and `settings_found` its origin. `manage_settings` is the default
    in manage.py. `wsgi` and `asgi` are `module:attribute`. `apps` are directories with migrations. `launch` is the
    server that production starts; None if no file names one. `env_example` is the path of `.env.example`. The image
    is built from `dockerfile` in the directory `context`, up to the stage `target` (if empty, the last), with `args`.
    `reads` are the environment variables that the code reads. `examples` are all example files, the first value of a
    name counts. `given` are variables that the Dockerfile and compose files set, as name, value and file. `postgres`
    means that an example, compose file or Dockerfile names Postgres, `scheme` is that of its URLs.
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
    examples: tuple[str, ...] = ()
    reads: tuple[Variable, ...] = ()
    given: tuple[tuple[str, str, str], ...] = ()
    postgres: bool = False
    scheme: str = "postgres"

    @property
    def server(self) -> tuple[str, ...]:
        """The argv of production's server, or an empty one."""
        return self.launch.argv if self.launch else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A Cloudflare Worker. `config` is its wrangler file, from which come `name`, `main` and `assets` (a directory).

    `tsconfig` is set for a Worker in TypeScript. `environments` has the names of the `env` sections. If `assets` are
    not in the tree, the package's `build` script makes them. `date` and `flags` are for compatibility. `vars` has JSON
    values, `bindings` the sections that bind other objects to names. `rules` map files to kinds of modules.
    `reads` has the text variables that the code expects and the wrangler file does not set; most are secrets.
    `sources` are the files of the code.
    """

    config: str
    name: str
    main: str = ""
    assets: str = ""
    tsconfig: str | None = None
    environments: tuple[str, ...] = ()
    date: str = ""
    flags: tuple[str, ...] = ()
    vars: dict[str, object] = field(default_factory=dict)
    bindings: dict[str, object] = field(default_factory=dict)
    rules: tuple[dict[str, object], ...] = ()
    reads: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A static site: its generator (`astro`, `vite`, `eleventy`, `next`, …), build command and output directory.

    `output` is relative to the component. `base` is the path prefix of its links, by default `/`.
    `script` is the package's build script. Without a script, `command` is the generator's own command.
    `server` means that an adapter renders pages on request, so the output may have no pages.
    """

    generator: str
    output: str
    base: str = "/"
    script: str = ""
    command: tuple[str, ...] = ()
    server: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One deployable part of a stack. `path` is its directory relative to the stack's root, `.` for the root itself.

    `name` is the last part of the path, or at the root the name of the Worker or package. `kind` decides which one of
    `web`, `worker` and `site` is set.
    """

    kind: Kind
    path: str
    name: str
    python: PythonProject | None = None
    node: NodeProject | None = None
    web: Web | None = None
    worker: Worker | None = None
    site: Site | None = None

    @property
    def label(self) -> str:
        """The component in texts for people: its path, or at the root its name, as `.` says nothing."""
        return self.name if self.path == "." else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The components of a tree, ordered by kind and path. `warnings` are for the report, such as a missing lock."""

    components: tuple[Component, ...]
    warnings: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[Component, ...]:
        """Returns the components of one kind."""
        return tuple(component for component in self.components if component.kind is kind)
