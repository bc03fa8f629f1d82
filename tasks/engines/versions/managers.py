"""How to install the package manager of a stack from npm's registry. Pure."""

from dataclasses import dataclass

from tasks.errors import EngineError
from tasks.packages.package_managers import MANAGER, lock_of, manifest_of, package_of

QUIET = ("--ignore-scripts", "--no-audit", "--no-fund")
# the package of bun has no program until this script has chosen the one of the machine
BUN_SCRIPT = ("node", "node_modules/bun/install.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerInstall:
    """The commands that install a package manager in an empty directory, with the `files` that they read."""

    name: str
    files: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, ...], ...]


def manager_install(manager: str) -> ManagerInstall | None:
    """Returns the installation of a manager such as `pnpm@10.34.9`; None for the npm that comes with Node.

    A pinned version is verified by its hash. Another one is the version that the stack names. Raises EngineError
    (`unsupported`) for an unknown manager, and for one without a version.
    """
    match = MANAGER.fullmatch(manager or "npm")
    name, version = (match["name"], match["version"] or "") if match else ("", "")
    if name == "npm" and not version:
        return None
    if not version:
        raise EngineError(
            f"the stack's package manager is {manager}: predeploy brings npm, pnpm, yarn and bun. Name one of them in "
            "packageManager of package.json, with its version",
            "unsupported",
        )
    lock = lock_of(name, version)
    install: tuple[str, ...] = ("npm", "ci", *QUIET)
    if not lock:
        install = ("npm", "install", "--no-save", "--no-package-lock", *QUIET, f"{package_of(name, version)}@{version}")
    manifest = manifest_of(name, version) if lock else '{"name": "predeploy", "private": true}'
    files = (("package.json", manifest), *((("package-lock.json", lock),) if lock else ()))
    return ManagerInstall(name=name, files=files, commands=(install, *((BUN_SCRIPT,) if name == "bun" else ())))
