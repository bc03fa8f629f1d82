"""Verifies that the packages of a lock satisfy the manifest. Standard library only. Prints one JSON document.

Runs next to an environment that the lock was installed into (VIRTUAL_ENV). A dry run of uv, offline, must have nothing
to install for the manifest's production dependencies. Exit codes: 0 the lock fits, 1 it does not, 2 the manifest
cannot be read, 75 uv failed.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

NAME = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)")
CHANGES = re.compile(r"Would (?:install|download|uninstall)")
BROKEN = "Failed to parse: `"


class UvError(Exception):
    """uv itself failed, so there is no verdict on the lock."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def line_of(text: str, name: str) -> int | None:
    """Returns the line of a manifest that requires a package, or None."""
    quoted = re.compile(rf"""["']{re.escape(name)}(?![a-z0-9-])""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if quoted.search(normal(line))), None)


def complaint(requirements: list[str]) -> str:
    """Returns uv's output if it would change the environment for the requirements, or an empty text."""
    # explicit, because uv would otherwise search for another environment if this one is missing
    python = ("--python", os.environ.get("VIRTUAL_ENV", "no environment"))
    argv = ("uv", "pip", "install", "--dry-run", "--offline", "--no-config", *python, "--", *requirements)
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = (answer.stderr + answer.stdout).strip()
    if answer.returncode not in {0, 1} and BROKEN not in said:
        raise UvError(said.partition("\n")[0])
    return said if answer.returncode != 0 or CHANGES.search(said) else ""


def say(diagnostics: list[dict[str, object]], summary: str = "") -> int:
    print(json.dumps({"diagnostics": [{"tool": "lock", **each} for each in diagnostics], "summary": summary}))
    return 1 if diagnostics else 0


def misfit(requirement: str, file: str, text: str) -> dict[str, object] | None:
    """Returns the finding for a requirement that the lock does not satisfy, or None."""
    said = complaint([requirement])
    if not said:
        return None
    name = match.group(1) if (match := NAME.match(requirement)) else requirement
    broken = f"{requirement} is not a valid requirement" if BROKEN in said else ""
    message = broken or f"the lock does not hold {requirement}. Compile the lock again"
    return {"file": file, "line": line_of(text, normal(name)), "rule": "lock_stale", "message": message}


def main() -> int:
    root, manifest = Path(sys.argv[1]), Path(sys.argv[2])
    text, file = (root / manifest).read_text(encoding="utf-8"), manifest.as_posix()
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line = int(place.group(1)) if place else None
        say([{"file": file, "line": line, "rule": "toml", "message": str(error)}])
        return 2
    requirements = project.get("dependencies", [])
    try:
        if not requirements:
            return say([])
        if not complaint(requirements):
            return say([], f"{len(requirements)} requirement{'s' * (len(requirements) != 1)} met")
        found = [misfit(requirement, file, text) for requirement in requirements]
    except UvError as error:
        print(f"uv cannot inspect the installed packages: {error}", file=sys.stderr)
        return 75
    message = "the lock does not satisfy the requirements together. Compile the lock again"
    together = {"file": file, "line": None, "rule": "lock_stale", "message": message}
    return say([each for each in found if each] or [dict(together)])


if __name__ == "__main__":
    sys.exit(main())
