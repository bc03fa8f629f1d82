"""Which part of an installation gets the credentials for package indexes: the one that runs no code of packages.

Build backends, install scripts and hooks such as `.pnpmfile.cjs` are code of the stack or of its packages. So a package
manager first downloads with credentials and without any code. Then the code runs, with what is on the disk. Pure.
"""

import re
from dataclasses import dataclass
from typing import Literal

UNBUILT = re.compile(
    r"marked as `?--no-build|building (?:source distributions|from source)\b.* is disabled|--no-build|no usable wheels",
    re.IGNORECASE,
)
"""What uv says if packages have to be built, and may not be."""
AGAIN = 'find . -type d -name node_modules -prune -exec rm -rf {} + && exec "$@"'
"""Runs a command without the packages that are there."""
MANIFEST = re.compile(r"(?:^|/)(?:pyproject\.toml|uv\.toml|uv\.lock|pylock(?:\.\w+)?\.toml|[^/]*\.(?:txt|in))$")
"""Files that may name an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPart:
    """One command of an installation.

    `when` it runs: always, or only if packages of the last one must be built, or only if the last one failed. A part
    that has to build reaches private indexes through a proxy (`is_proxied`), which adds the credentials.
    """

    argv: tuple[str, ...]
    has_credentials: bool
    when: Literal["always", "unbuilt", "failed"] = "always"

    @property
    def is_proxied(self) -> bool:
        """Whether it gets the proxy: it runs code of packages, and needs an index."""
        return self.when != "always"


def parts_of(argv: tuple[str, ...]) -> tuple[InstallPart, ...]:
    """The commands for one command that installs or locks, on a machine with credentials for package indexes."""
    match argv[:2]:
        case ("uv", "sync") | ("uv", "pip"):
            return (_first(argv, "--no-build"), InstallPart(argv=argv, has_credentials=False, when="unbuilt"))
        case ("uv", "lock"):
            # with --no-build uv may choose other versions, so only a lock that fits is an answer
            return (_first(argv, "--no-build"), InstallPart(argv=argv, has_credentials=False, when="failed"))
        case ("uv", _):
            return (InstallPart(argv=argv, has_credentials=False),)
        case ("pnpm", "install") if "--frozen-lockfile" in argv:
            fetch = ("pnpm", "fetch", *(each for each in argv[2:] if each.startswith("--reporter")))
            return (_first(fetch), _then(argv, "--offline"))
        case ("pnpm", "install"):
            return (_first(argv, "--ignore-scripts", "--ignore-pnpmfile"), _then(argv, "--prefer-offline"))
        case ("npm", "ci" | "install"):
            return (_first(argv, "--ignore-scripts"), _then(argv, "--offline"))
        case ("yarn", "install") if "--non-interactive" in argv:  # of version 1
            return (_first(argv, "--ignore-scripts"), _then(argv, "--offline", "--force"))
        case ("yarn", "install"):
            return (_first(argv, "--mode=skip-build"), _then(argv))
        case ("bun", "install"):
            # bun runs scripts only of packages that it puts there
            return (_first(argv, "--ignore-scripts"), _then(("sh", "-c", AGAIN, "sh", *argv)))
    return (InstallPart(argv=argv, has_credentials=True),)


def is_next(part: InstallPart, code: int | None, said: str) -> bool:
    """Whether a part runs after the part before it has ended with this code and output."""
    if part.when == "always":
        return code == 0
    # an installation that failed for another reason than a build is not repeated
    return bool(code) and (part.when == "failed" or UNBUILT.search(said) is not None)


def _first(argv: tuple[str, ...], *flags: str) -> InstallPart:
    return InstallPart(argv=(*argv, *flags), has_credentials=True)


def _then(argv: tuple[str, ...], *flags: str) -> InstallPart:
    return InstallPart(argv=(*argv, *flags), has_credentials=False)


def is_manifest(path: str) -> bool:
    """Whether a file may name an index, so that it has to name the proxy for a build."""
    return MANIFEST.search(path) is not None
