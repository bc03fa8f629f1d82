"""Does what a lock installed hold what the manifest asks for? Standard library only; prints one JSON document.

Runs beside an installed environment (VIRTUAL_ENV): uv, asked offline what it would have to add for the manifest's
production dependencies, must answer: nothing. Exit codes: 0 it fits, 1 it does not.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

NAME = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def line_of(text: str, name: str) -> int | None:
    """The line of a manifest that asks for a package."""
    quoted = re.compile(rf"""["']{re.escape(name)}(?![a-z0-9-])""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if quoted.search(normal(line))), None)


def fits(requirement: str) -> bool:
    """Is the requirement satisfied by what is installed?"""
    argv = ["uv", "pip", "install", "--dry-run", "--offline", "--no-deps", "--no-config", requirement]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and not re.search(r"Would (?:install|download)", answer.stderr + answer.stdout)


def say(diagnostics: list[dict[str, object]]) -> int:
    print(json.dumps({"diagnostics": [{"tool": "lock", **each} for each in diagnostics]}))
    return 1 if diagnostics else 0


def main() -> int:
    root, manifest = Path(sys.argv[1]), Path(sys.argv[2])
    text, file = (root / manifest).read_text(encoding="utf-8"), manifest.as_posix()
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line = int(place.group(1)) if place else None
        return say([{"file": file, "line": line, "rule": "toml", "message": str(error)}])
    diagnostics: list[dict[str, object]] = []
    for requirement in project.get("dependencies", []):
        if not fits(requirement):
            name = match.group(1) if (match := NAME.match(requirement)) else requirement
            message = f"the lock does not hold {requirement}: compile it again"
            line = line_of(text, normal(name))
            diagnostics.append({"file": file, "line": line, "rule": "lock_stale", "message": message})
    return say(diagnostics)


if __name__ == "__main__":
    sys.exit(main())
