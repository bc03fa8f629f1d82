"""The locks of all that predeploy installs: with the wheel, with a checkout, and while it runs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.packages.package_managers import PINNED, lock_of

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("requirements.lock", "tasks/probes/requirements.lock")
TOOLCHAINS = "tasks/engines/local/toolchains"
WRANGLER = "tasks/probes/wrangler.lock"
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One locked package. `kind` is `pypi` or `npm`; `integrity` is npm's hash of it."""

    kind: str
    name: str
    version: str
    integrity: str = ""


def shipped_packages() -> list[Package]:
    """What an installed predeploy consists of, and what it installs while it runs."""
    toolchains = sorted((ROOT / TOOLCHAINS).glob("*.lock"))
    found = {*python_packages(*(ROOT / lock for lock in SHIPPED), *toolchains)}
    found |= {*npm_packages((ROOT / WRANGLER).read_text(encoding="utf-8"))}
    for manager, versions in PINNED.items():
        for version in versions:
            found |= {*npm_packages(lock_of(manager, version))}
    return sorted(found)


def python_packages(*locks: Path) -> Iterator[Package]:
    """The packages in locks of uv."""
    for lock in locks:
        for name, version in _PINNED.findall(lock.read_text(encoding="utf-8")):
            yield Package("pypi", name.lower(), version)


def npm_packages(lock: str) -> Iterator[Package]:
    """The packages in a package-lock.json."""
    for path, entry in json.loads(lock).get("packages", {}).items():
        if path:
            name = entry.get("name") or path.rpartition("node_modules/")[2]
            yield Package("npm", name, entry["version"], entry.get("integrity", ""))
