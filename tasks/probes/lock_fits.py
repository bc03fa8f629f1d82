"""Does what a lock installed hold what the manifest asks for? Standard library only; prints one JSON document.

Runs beside an installed environment (VIRTUAL_ENV): uv, asked offline what it would have to add for the manifest's
production dependencies, must answer: nothing. Exit codes: 0 it fits, 1 it does not, 2 the manifest
cannot be read, 75 uv could not tell.
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
    """uv itself does not work here: that says nothing of the lock."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def line_of(text: str, name: str) -> int | None:
    """The line of a manifest that asks for a package."""
    quoted = re.compile(rf"""["']{re.escape(name)}(?![a-z0-9-])""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if quoted.search(normal(line))), None)


def complaint(requirements: list[str]) -> str:
    """What uv would still have to bring for the requirements and for what they need themselves; empty if nothing."""
    # named, because uv would otherwise look for another environment where this one is not
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
    """What is wrong with one requirement."""
    said = complaint([requirement])
    if not said:
        return None
    name = match.group(1) if (match := NAME.match(requirement)) else requirement
    broken = f"{requirement} is no requirement" if BROKEN in said else ""
    message = broken or f"the lock does not hold {requirement}: compile it again"
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
        print(f"uv cannot tell what is installed: {error}", file=sys.stderr)
        return 75
    together = {"file": file, "line": None, "rule": "lock_stale", "message": "the lock does not hold what is asked for"}
    return say([each for each in found if each] or [dict(together)])


if __name__ == "__main__":
    sys.exit(main())
