"""Lifecycle scripts of an installation in a stack's package.json: which part of them runs where. Pure.

An installation sees only manifests. So scripts that need the whole tree run in the workspace of a check.
"""

import json
import re
from collections.abc import Collection

INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "prepare")
OTHER_SCRIPTS = ("prepublish", "preprepare", "postprepare", "pnpm:devPreinstall", "dependencies")

_AND = re.compile(r"\s*&&\s*")
_RUNNER = r"(?:(?:npx|bunx|pnpx|pnpm exec|pnpm dlx|yarn dlx|yarn run|yarn|npm exec)\s+(?:--?[\w-]+\s+)*)?"
# Programs that guard or prepare a developer's checkout. They change nothing that a deploy uses.
_IDLE = re.compile(
    rf"^{_RUNNER}(?:only-allow|husky|lefthook|simple-git-hooks|pre-commit|is-ci|check-engine|check-node-version|corepack"
    r"|skip-postinstall|playwright install|cypress install|puppeteer|git config|echo|true|exit 0|:)(?=$|[\s@|;])"
)
# Those that only a package brings, which is then among the dependencies.
_PACKAGED = re.compile(r"^(?P<name>husky|lefthook|simple-git-hooks|is-ci|skip-postinstall)(?:\s[^|]*)?$")
# Programs that change the installed packages, and read nothing but the folder with patches.
_PATCHES = re.compile(rf"^{_RUNNER}patch-package(?=$|[\s@])")


def parts_of(script: str) -> tuple[str, str]:
    """Returns the parts of an install script that run with the installation, and those that need the whole tree."""
    parts = [part for part in _AND.split(script.strip()) if part]
    patches = [part for part in parts if _PATCHES.match(part)]
    rest = [part for part in parts if part not in patches and not _IDLE.match(part)]
    return " && ".join(patches), " && ".join(rest)


def unpackaged(script: str, packages: Collection[str]) -> str:
    """Returns the first part of an install script whose program comes with a package that is not asked for."""
    found = (_PACKAGED.match(part) for part in _AND.split(script.strip()))
    return next((match.string for match in found if match and match["name"] not in packages), "")


def with_patches_only(text: str) -> str:
    """Returns a manifest whose lifecycle scripts only patch packages. Scripts of dependencies stay.

    A text that is not a manifest is returned unchanged: the package manager reports the mistake in it.
    """
    try:
        manifest = json.loads(text)
        scripts: dict[str, object] = dict(manifest.get("scripts") or {})
    except (ValueError, AttributeError, TypeError):
        return text
    found = {name: scripts.pop(name) for name in (*INSTALL_SCRIPTS, *OTHER_SCRIPTS) if name in scripts}
    kept = {name: parts_of(script)[0] for name, script in found.items() if isinstance(script, str)}
    scripts |= {name: script for name, script in kept.items() if script and name in INSTALL_SCRIPTS}
    return (
        json.dumps({**manifest, "scripts": scripts}, indent=2) if scripts != (manifest.get("scripts") or {}) else text
    )
