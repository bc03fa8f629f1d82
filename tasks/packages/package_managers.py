"""The package managers that predeploy brings: the version that reads a lock, and the hashes of pinned versions."""

import json
import re

from tasks.node_range import admits, is_range, lowest_major

MANAGER = re.compile(r"(?P<name>npm|pnpm|yarn|bun)(?:@(?P<version>\d[\w.-]*))?(?:\+.*)?")
"""A manager as `packageManager` writes it: `pnpm@10.34.9+sha512.abc`."""

PNP = (".pnp.cjs", ".pnp.loader.mjs", ".yarn/cache", ".yarn/unplugged", ".yarn/install-state.gz")
"""The packages that yarn installs without node_modules, relative to the root of the installation."""

# The hashes in npm's registry. The first version of a manager that suits is taken.
_PNPM = {
    "10.34.9": "sha512-9JtajqD97bRLs8DB1ldQkqU8KVDZW3rRXfEfF5dId6LeOgHAfpNOmyjOcW5RwJqUlixzBtCb4uHksYqMh2L9Mg==",
    "11.28.11": "sha512-dAGE0Q+B9dWxZb6IVg7numJAbEE0iWq8J6WAEJ7sL0fB5B2RJRyUTCyrq8scIkYXmeu3LeLsYlryAwsONsc1ow==",
    "9.15.9": "sha512-aARhQYk8ZvrQHAeSMRKOmvuJ74fiaR1p5NQO7iKJiClf1GghgbrlW1hBjDolO95lpQXsfF+UA+zlzDzTfc8lMQ==",
    "8.15.9": "sha512-SZQ0ydj90aJ5Tr9FUrOyXApjOrzuW7Fee13pDzL0e1E6ypjNXP0AHDHw20VLw4BO3M1XhQHkyik6aBYWa72fgQ==",
    "7.33.7": "sha512-ev4kEGQrOcaY30baTOXHIxpczjYGmNafjPj0IlfUCz5D8jEFOwe43oSf1P+/SnH/V7g1E3d3o1I4jz09p0cgDg==",
}
_YARN = {
    "1.22.22": "sha512-prL3kGtyG7o9Z9Sv8IPfBNrWTDmXB4Qbes8A9rEzt6wkJV8mUvoirjU0Mp3GGAU06Y0XQyA3/2/RQFVuK7MTfg==",
    "4.18.1": "sha512-EH+A4TxAtBWXKE0DGQxW9Bo9crXHLJ73mfxjTQJuv8XonNWWTpei8BQ5JjczHJNU9GROTycwMFn8iOvRIZXUcA==",
    "4.14.1": "sha512-62uYRCYBnAwNZ1Y4uMh0iUXtgZe4frwAgd5dJFoTu/uWMZWpJzxY2ib0cAva1eiy1L2jiDR0dS1Os+1osiIxvA==",
    "4.12.0": "sha512-r0AVfpKUXIbgajKFY0wWMZLwZou+CJmtqt+Y5LTimbPaA78srI0SnLJIS4ikPE1mv8YTPQ7mqRUdoDB7W+kDDA==",
    "3.8.7": "sha512-YMoAlLR9f+kxXjK72ggBIidi3ulQQrQpMSxzrLUt0OUk9Xdst2v26LBSYFlzOm+7KRNWgYIJpFjA8uRnCgB5xQ==",
}
_BUN = {"1.4.5": "sha512-SWOAncfhwiqIyaZ3uyuUD/6o8aWbG8QtU6SChlz4u6U/C89gTZafLDCmbUvyNjx+ccxLLHV+lSsWqE1OBN8bBw=="}
# The programs of bun's one pinned version, by system, processor and C library: their sha512.
_BUN_PROGRAMS = {
    "linux-x64-glibc": "IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    "linux-x64-musl": "10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
    "linux-arm64-glibc": "4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lXCddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    "linux-arm64-musl": "XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    "darwin-x64-": "qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
    "darwin-arm64-": "4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
}
PINNED: dict[str, dict[str, str]] = {"pnpm": _PNPM, "yarn": _YARN, "bun": _BUN}

# By the lock's format, the versions that read it and would not change it.
_READERS: dict[str, dict[str, tuple[str, ...]]] = {
    "pnpm": {"5": ("7.33.7",), "6": ("8.15.9",), "9": ("10.34.9", "11.28.11", "9.15.9")},
    "yarn": {"1": ("1.22.22",), "6": ("3.8.7",), "8": ("4.12.0",), "9": ("4.14.1",), "10": ("4.18.1",)},
    "bun": {},
}


def is_yarn_file(path: str) -> bool:
    """Whether a part of the packages in `PNP` is a file."""
    return path.endswith((".cjs", ".mjs", ".gz"))


def reader_of(manager: str, lock_format: str, accepts: str = "") -> str:
    """Returns the pinned version of a manager that reads a lock of this format; empty if there is none.

    `accepts` is the range in `engines`, which chooses among several. Without a lock every pinned version suits.
    npm comes with Node, so it has no version here.
    """
    formats = _READERS.get(manager, {})
    suitable = formats.get(lock_format, ()) if lock_format and formats else tuple(PINNED.get(manager, ()))
    wanted = accepts if is_range(accepts) else "*"
    admitted = (version for version in suitable if admits(wanted, version))
    return next(admitted, suitable[0] if suitable else "")


def package_of(manager: str, version: str) -> str:
    """Returns the package in npm's registry that has the manager. Yarn has had another one since version 2."""
    return "@yarnpkg/cli-dist" if manager == "yarn" and lowest_major(version) > 1 else manager


def lock_of(manager: str, version: str) -> str:
    """Returns a package-lock.json with the hashes of a pinned version, or an empty text. It names no registry."""
    integrity = PINNED.get(manager, {}).get(version, "")
    if not integrity:
        return ""
    name = package_of(manager, version)
    entry: dict[str, object] = {"version": version, "integrity": integrity, "bin": _programs(manager, version)}
    packages: dict[str, object] = {"": {"dependencies": {name: version}}, f"node_modules/{name}": entry}
    if manager == "bun":
        programs = {_bun_program(machine): machine for machine in _BUN_PROGRAMS}
        entry["optionalDependencies"] = dict.fromkeys(programs, version)
        packages |= {f"node_modules/{program}": _program(version, machine) for program, machine in programs.items()}
    return json.dumps({"name": "predeploy", "lockfileVersion": 3, "requires": True, "packages": packages}, indent=2)


def manifest_of(manager: str, version: str) -> str:
    """Returns the package.json that the lock fits."""
    return json.dumps({"name": "predeploy", "private": True, "dependencies": {package_of(manager, version): version}})


def _programs(manager: str, version: str) -> dict[str, str]:
    """Returns the package's programs: npm links those that the lock names."""
    if manager == "bun":
        return {"bun": "bin/bun.exe", "bunx": "bin/bunx.exe"}
    if manager == "yarn":
        return dict.fromkeys(("yarn", "yarnpkg"), "bin/yarn.js")
    ending = "mjs" if lowest_major(version) > 10 else "cjs"
    return {name: f"bin/{name}.{ending}" for name in ("pnpm", "pnpx")}


def _bun_program(machine: str) -> str:
    system, cpu, libc = machine.split("-")
    return f"@oven/bun-{system}-{cpu.replace('arm64', 'aarch64')}{'-musl' if libc == 'musl' else ''}"


def _program(version: str, machine: str) -> dict[str, object]:
    system, cpu, libc = machine.split("-")
    bound = {"os": [system], "cpu": [cpu]} | ({"libc": [libc]} if libc else {})
    return {"version": version, "integrity": f"sha512-{_BUN_PROGRAMS[machine]}", "optional": True, **bound}
