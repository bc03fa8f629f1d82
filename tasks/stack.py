"""The data of a stack: its components, and how their dependencies are declared and locked."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal

from tasks.packages.package_script import PackageScript
from tasks.production import PythonInstallation
from tasks.variable import Variable
from tasks.web import Web
from tasks.worker import Worker


class Kind(StrEnum):
    """The kind of a component. A package has a build script, and no generator that predeploy knows."""

    WEB = "web"
    WORKER = "worker"
    SITE = "site"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The version of Python or Node that the stack requires.

    `wanted` is a Python specifier (`==3.13.*`) or an npm range (`22`, `>=22`); it is empty if the stack names none.
    `source` is the file that names it. `accepts` is the hard bound (`requires-python`, `engines`), which every
    interpreter must satisfy. `packages` are the ranges of locked packages: of the fitting Nodes, one in all of them
    is the best.
    """

    wanted: str = ""
    source: str = ""
    accepts: str = ""
    packages: tuple[str, ...] = ()


class CallSource(IntEnum):
    """The kind of file that calls a tool. The lowest value says best what the owner runs before a deploy."""

    CI = 0
    CI_HOOK = 1
    RECIPE = 2
    HOOK = 3
    DOCS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStep:
    """A command that makes files of the tree, such as `cp .env.example .env`, at `file` and `line`.

    Its paths are relative to the stack's root. `reads` are the files that it copies, `makes` what it writes. With
    `into` (`>` or `>>`) its output goes to the file that it makes.
    """

    words: tuple[str, ...]
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    file: str
    line: int
    into: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a quality tool in the stack's own files.

    `tool` is one of `tasks.discovery.calls.arguments.TOOLS`, such as `ruff check` or `manage.py test`. `options` and
    `paths` are its plain arguments, without those that only change the output. `directory` is the working directory,
    relative to the stack's root, and `script` the path of manage.py as written. `contained` means that the call runs in
    a container, where the working directory is another one. `file` and `line` are the place of the call.
    `version` and `packages` are those of a pre-commit hook or of an action. `excluded` has the Python files and
    directories that a hook leaves out. `env` has the plain variables of the call, `services` those of its CI job.
    `before` are the steps of the job, or of the recipe, that make files before the call.
    """

    tool: str
    source: CallSource
    file: str
    line: int
    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    directory: str = "."
    script: str = ""
    contained: bool = False
    version: str = ""
    packages: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
    before: tuple[FileStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSelection:
    """How the words after `--` of the command line narrow a test runner.

    They replace `targets`, the last words of its argv. `evidence` is a pattern that the output of a pass with them
    contains: at least one test ran. `unmatched` are the exit codes for "no test matches".
    """

    __test__ = False
    evidence: str
    targets: tuple[str, ...] = ()
    unmatched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """How a Python component's dependencies are declared and locked. Paths are relative to the stack's root.

    `kind` is the way of installation: `uv` (`lock` is the path of uv.lock), `requirements` (`production` and
    `development` list the files), `locked` (`lock` is a lock of another `manager`) or
    `none` (nothing can be installed). For `uv`, `lock` is None if only the manifest declares dependencies.
    `development` is complete: it repeats production's files unless it includes them.
    `hashed` means that the requirements have hashes. `pinned` means that every requirement has an exact version;
    otherwise the installed versions depend on the day.
    `packages` has the normalised names in the lock, for production and development. `versions` maps names to pinned
    versions.
    `tools` has the quality tools that are configured or direct dependencies. A tool that is not in `packages` has no
    locked version. `configurations` maps tools to their configuration files. `calls` has the
    calls of quality tools in the stack's own files.
    `paths` are the directories of the module path: the project's root (or its `src`), and the path dependencies.
    """

    root: str
    kind: Literal["uv", "requirements", "locked", "none"]
    manifest: str | None = None
    lock: str | None = None
    manager: Literal["", "Poetry", "PDM", "Pipenv"] = ""
    install: PythonInstallation = field(default_factory=PythonInstallation)
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

    `root` is the directory with the lock, `package` the component's own. `manager_version` is that of `packageManager`,
    else the pinned one that reads the lock; empty for the npm of Node. `dependencies` maps names to ranges, including
    development, `locked` known tools to their locked versions. An installation reads `inputs`. `paths` are directories
    of the tree's packages that the component needs. `preparation` runs first: install scripts, builds of `paths`. The
    build needs `reads`, and reads `private` without a value. `siblings` are packages outside of the workspace that are
    installed with it, because a script or a configuration needs them.
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
    preparation: tuple[PackageScript, ...] = ()
    reads: tuple[Variable, ...] = ()
    private: tuple[Variable, ...] = ()
    siblings: tuple["NodeProject", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A static site: its generator (`astro`, `vite`, `eleventy`, `next`, …), build command and output directory.

    A package has an empty generator, and maybe an empty output. `output` is relative to the component. `base` is the
    prefix of its paths; `?` means that the configuration computes it. `host` is its configured host name. Without a
    `script` of the package, `command` builds it. `server`: an adapter renders pages on request, so there may be no
    pages. `on_pages`: Cloudflare Pages deploys it, maybe with `functions`. `pages` is the code that Pages then runs:
    functions, or a Worker in the output. `answered` are regular expressions of paths that the
    host, or a Worker of the stack, answers without a file. `routed`: a router in the browser, or a Worker, answers
    paths. `lenient`: the generator's own setting accepts broken links between pages. `program` is a program of the
    machine that builds the site, because no package locks it.
    """

    generator: str
    output: str
    base: str = "/"
    script: str = ""
    command: tuple[str, ...] = ()
    server: bool = False
    on_pages: bool = False
    functions: bool = False
    pages: Worker | None = None
    host: str = ""
    answered: tuple[str, ...] = ()
    routed: bool = False
    lenient: bool = False
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One deployable part of a stack. `path` is its directory relative to the stack's root, `.` for the root itself.

    `name` is the last part of the path, or at the root the name of the Worker or package. `kind` decides which one of
    `web`, `worker` and `site` is set; for a package it is `site`. A Worker may also be a site: then its build makes
    pages, and both are set.
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
    def kinds(self) -> tuple[Kind, ...]:
        """All kinds of the component, its own first."""
        return (self.kind, Kind.SITE) if self.kind is Kind.WORKER and self.site else (self.kind,)

    @property
    def label(self) -> str:
        """The component in texts for people: its path, or at the root its name, as `.` says nothing."""
        return self.name if self.path == "." else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The components of a tree, ordered by kind and path. `warnings` are for the report, such as a missing lock.

    `gaps` name what a deploy may need, and no check looks at.
    """

    components: tuple[Component, ...]
    warnings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[Component, ...]:
        """Returns the components of one kind."""
        return tuple(component for component in self.components if kind in component.kinds)
