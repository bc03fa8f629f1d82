"""Verifies that a lock of Poetry, PDM or Pipenv was made from its manifest. Standard library only. Prints JSON.

Arguments: the root, the manager, the lock, the manifest, and `--lenient` if production does not compare them. Each
manager writes a digest of the manifest into its lock, and its installation refuses another digest. Exit codes: 0 the
lock fits, 1 it does not, 2 a file cannot be read.
"""

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Table = dict[str, Any]
KNOWN = {"Poetry": r"[12]\.\d+", "PDM": r"4\.\d+(\.\d+)?"}
"""The versions of lock formats whose digest is known."""
COMMANDS = {"Poetry": "poetry lock", "PDM": "pdm lock", "Pipenv": "pipenv lock"}
PLACEHOLDER = re.compile(r"(\w)\1*")
"""A digest of one repeated character, which no manager writes."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def digest(content: object, **style: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, **style).encode()).hexdigest()


def poetry(manifest: Table) -> Iterator[str]:
    """Yields the digests that versions of Poetry write for a manifest."""
    own = manifest.get("tool", {}).get("poetry", {})
    legacy = ("dependencies", "source", "extras", "dev-dependencies")
    project = {
        key: manifest["project"][key]
        for key in ("requires-python", "dependencies", "optional-dependencies")
        if key in manifest.get("project", {})
    }
    groups = {"dependency-groups": manifest["dependency-groups"]} if "dependency-groups" in manifest else {}
    given = {key: own[key] for key in (*legacy, "group") if key in own}
    old = {**dict.fromkeys(legacy), **given}
    if not project:
        yield digest(old)
        yield digest({key: value for key, value in old.items() if key != "group"})
    yield digest({"project": project, "tool": {"poetry": given}})
    yield digest({"project": project, **groups, "tool": {"poetry": given}})
    yield digest({**groups, "tool": {"poetry": given}})


def pdm(manifest: Table) -> Iterator[str]:
    """Yields the digests that versions of PDM write for a manifest."""
    project, own = manifest.get("project", {}), manifest.get("tool", {}).get("pdm", {})
    groups: dict[str, list[object]] = {}
    for section in (manifest.get("dependency-groups", {}), own.get("dev-dependencies", {})):
        for name, lines in section.items():
            groups.setdefault(normal(name), []).extend(lines)
    common = {
        "sources": own.get("source", []),
        "dependencies": project.get("dependencies", []),
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
    }
    resolution = own.get("resolution", {})
    for development in (groups, own.get("dev-dependencies", {})):
        yield digest({**common, "dev-dependencies": development, "resolution": resolution})
        yield digest({**common, "dev-dependencies": development, "overrides": resolution.get("overrides", {})})


def pipenv(manifest: Table, lock: Table) -> Iterator[str]:
    """Yields the digests that versions of Pipenv write for a Pipfile. Newer ones normalise the names of packages."""
    fixed = ("source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", "default", "develop")
    # Pipenv adds its default source to a Pipfile without one. The lock has it.
    sources = manifest.get("source") or lock.get("_meta", {}).get("sources", [])
    sections = {
        "default": manifest.get("packages", {}),
        "develop": manifest.get("dev-packages", {}),
        **{name: packages for name, packages in manifest.items() if name not in fixed},
    }
    normalised = {
        section: {normal(name): value for name, value in packages.items()} for section, packages in sections.items()
    }
    meta = {"_meta": {"sources": sources, "requires": manifest.get("requires", {})}}
    yield digest({**meta, **sections}, separators=(",", ":"))
    yield digest({**meta, **normalised}, separators=(",", ":"))


def digests(manager: str, lock: Table, manifest: Table) -> Iterator[str]:
    """Returns the digests that a lock of the manifest may have."""
    if manager == "Pipenv":
        return pipenv(manifest, lock)
    return poetry(manifest) if manager == "Poetry" else pdm(manifest)


def written(manager: str, lock: Table) -> tuple[str, str]:
    """Returns the digest in a lock, and the version of the lock's format."""
    metadata = lock.get("metadata", {})
    if manager == "Poetry":
        return str(metadata.get("content-hash", "")), str(metadata.get("lock-version", "1.0"))
    if manager == "PDM":
        return str(metadata.get("content_hash", "")).removeprefix("sha256:"), str(metadata.get("lock_version", ""))
    return str(lock.get("_meta", {}).get("hash", {}).get("sha256", "")), ""


def required(manager: str, manifest: Table) -> Iterator[str]:
    """Yields the names of the packages that a manifest requires."""
    own = manifest.get("tool", {}).get("poetry", {})
    project = manifest.get("project", {})
    if manager == "Pipenv":
        for section in ("packages", "dev-packages"):
            yield from manifest.get(section, {})
        return
    for line in project.get("dependencies", []):
        if match := re.match(r"\s*([A-Za-z0-9][\w.-]*)", line):
            yield match.group(1)
    sections = [own, *own.get("group", {}).values(), {"dependencies": own.get("dev-dependencies", {})}]
    for section in sections if manager == "Poetry" else ():
        yield from (name for name in section.get("dependencies", {}) if name.lower() != "python")


def held(manager: str, lock: Table) -> set[str]:
    """Returns the names of the packages in a lock."""
    if manager == "Pipenv":
        return {normal(name) for category, found in lock.items() if category != "_meta" for name in found}
    return {normal(each["name"]) for each in lock.get("package", [])}


def line_of(text: str, name: str) -> int | None:
    """Returns the line of a manifest that requires a package, or None."""
    word = re.compile(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])")
    return next((number for number, line in enumerate(text.splitlines(), 1) if word.search(normal(line))), None)


def say(diagnostics: list[Table], summary: str = "", gaps: tuple[str, ...] = ()) -> None:
    found = [{"tool": "lock", "rule": "lock_stale", **each} for each in diagnostics]
    print(json.dumps({"diagnostics": found, "summary": summary, "gaps": list(gaps)}))


def read(path: Path) -> Table:
    text = path.read_text(encoding="utf-8")
    loaded: Table = json.loads(text) if path.name == "Pipfile.lock" else tomllib.loads(text)
    return loaded


def main() -> int:
    root, manager = Path(sys.argv[1]), sys.argv[2]
    contents = []
    for name in sys.argv[3:5]:
        try:
            contents.append(read(root / name))
        except ValueError as error:  # a TOML or JSON error
            place = re.search(r"line (\d+)", str(error))
            line = int(place.group(1)) if place else None
            say([{"file": name, "line": line, "rule": "manifest_broken", "message": str(error)}])
            return 2
    return compare(manager, root, contents[0], contents[1])


def compare(manager: str, root: Path, lock: Table, manifest: Table) -> int:
    found, version = written(manager, lock)
    file, command = sys.argv[4], COMMANDS[manager]
    if found and found in digests(manager, lock, manifest):
        say([], f"{sys.argv[3]} fits {file}")
        return 0
    text, names = (root / file).read_text(encoding="utf-8"), held(manager, lock)
    missing = [name for name in dict.fromkeys(required(manager, manifest)) if normal(name) not in names]
    if missing:
        message = "the lock does not hold {}. Make it again: " + command
        say([{"file": file, "line": line_of(text, normal(name)), "message": message.format(name)} for name in missing])
        return 1
    if not found or PLACEHOLDER.fullmatch(found) or not re.fullmatch(KNOWN.get(manager, ""), version):
        gap = f"{sys.argv[3]} has no valid digest of {file}: only the names of its packages were compared"
        say([], f"{sys.argv[3]} holds every package of {file}", (gap,))
        return 0
    if "--lenient" in sys.argv:
        gap = f"{file} has changed since {sys.argv[3]} was made, and production installs that lock all the same"
        say([], f"{sys.argv[3]} holds every package of {file}", (gap,))
        return 0
    message = f"{file} has changed since the lock was made, so {manager} refuses it. Make it again: {command}"
    say([{"file": sys.argv[3], "line": None, "message": message}])
    return 1


if __name__ == "__main__":
    sys.exit(main())
