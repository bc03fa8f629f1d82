"""What a stack is made of, as found in its tree: components and how their dependencies are locked."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What kind of deployable a component is."""

    WEB = "web"
    WORKER = "worker"
    SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of Python or Node as the stack asks for it.

    `wanted` is a specifier of Python (`==3.13.*`) or a range of npm (`22`, `>=22`), or empty where the stack does not
    say; `source` is the file that says it. `accepts` is the hard bound (`requires-python`, `engines`): an interpreter
    outside of it is of no use.
    """

    wanted: str = ""
    source: str = ""
    accepts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """How a Python component's dependencies are declared and locked. Paths are relative to the stack's root.

    `kind` says what installs them: `uv` (uv.lock, `lock` is its path), `requirements` (`production` and `development`
    list the files) or `none` (nothing that can be installed). For `uv`, `lock` is None where only the manifest says
    what to resolve. `development` is complete in itself: it repeats production's files unless it includes them.
    `hashed` tells whether requirements carry hashes, `pinned` whether everything asked for has an exact version; where
    not, what is installed depends on the day.
    `packages` are the normalised names that the lock holds, production and development together;
    `versions` maps them to the locked version where one is pinned.
    `tools` are the quality tools that the stack uses (of `black`, `mypy`, `pytest`, `ruff`): configured, or asked for;
    one that is not in `packages` has no version of the stack's. `configurations` maps tools to their configuration
    file.
    `paths` are directories to have on the module path: the project's own root (or its `src`) and path dependencies'.
    """

    root: str
    kind: Literal["uv", "requirements", "none"]
    manifest: str | None = None
    lock: str | None = None
    production: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    hashed: bool = False
    pinned: bool = False
    python: Version = Version()
    packages: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    configurations: dict[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    """Files that an installation reads: manifests, locks and requirement files included by others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProject:
    """How a Node component's dependencies are declared and locked. Paths are relative to the stack's root.

    `root` is the directory that holds the lock (the workspace's root), `package` the component's own.
    `manager_version` is the exact version that `packageManager` names, or empty; `lock` is None where there is none.
    `dependencies` maps names to ranges, development ones included; `locked` maps names to locked versions where cheaply
    known. `inputs` are the files that an installation reads: every package.json of the workspace, locks, .npmrc,
    patches.
    """

    root: str
    package: str
    manager: Literal["pnpm", "npm", "yarn", "bun"]
    manager_version: str = ""
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
    """A Django project. `directory` is the one that holds manage.py.

    `settings` is the module that the deployed process uses: configured, else the Dockerfile's DJANGO_SETTINGS_MODULE,
    else what wsgi.py or asgi.py sets as its default, else what manage.py sets. `wsgi`, `asgi` are `module:attribute`.
    `apps` are directories with migrations. `server` is the argv that production starts (from the Dockerfile's CMD or a
    Procfile), empty where the stack does not say. `env_example` is the path of `.env.example`, `dockerfile` of its own,
    which is built in the directory `context`, up to the stage `target` (the last one where it is empty), with `args`.
    """

    directory: str
    settings: str = ""
    manage_settings: str = ""
    wsgi: str = ""
    asgi: str = ""
    apps: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    dockerfile: str | None = None
    context: str = "."
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    env_example: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A Cloudflare Worker: its wrangler file, `main`, `assets` (a directory) and so on as written there.

    `tsconfig` is set where it is TypeScript; `environments` are the names of its `env` sections. Where `assets` are
    not in the tree, the package's `build` script makes them. `date` and `flags` are for compatibility, `vars` are JSON
    values, `bindings` the sections that bind anything else to a name, `rules` say what kind of module a file is.
    `reads` are variables with texts that its code expects and nothing of these gives: secrets, most of them.
    `sources` are the files of its code.
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

    `output` is relative to the component. `base` is the path prefix that its links carry (`/` by default).
    `script` is the package's script that builds it; where there is none, `command` is the generator's own.
    `server` tells that an adapter renders pages on request: its output may hold none.
    """

    generator: str
    output: str
    base: str = "/"
    script: str = ""
    command: tuple[str, ...] = ()
    server: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One deployable. `path` is its directory relative to the stack's root, `.` for the root itself.

    `name` is what people call it: the last part of the path, or the Worker's or package's name at the root.
    Exactly one of `web`, `worker` and `site` is set, in step with `kind`.
    """

    kind: Kind
    path: str
    name: str
    python: PythonProject | None = None
    node: NodeProject | None = None
    web: Web | None = None
    worker: Worker | None = None
    site: Site | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The components of a tree, ordered by kind and path. `warnings` are for the report (no lock, …)."""

    components: tuple[Component, ...]
    warnings: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[Component, ...]:
        """The components of one kind."""
        return tuple(component for component in self.components if component.kind is kind)
