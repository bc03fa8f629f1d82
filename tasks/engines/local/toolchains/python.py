"""Pythons of this machine that really run, and which of them is nearest to the one that production has."""

import asyncio
import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tasks.engines.local.toolchains.pinned import base_python
from tasks.engines.versions.python import PATCHES, minor_of, minors_of, plain, shown, specifier
from tasks.errors import EngineError
from tasks.stack import Version

PROBE = (
    "import json,ssl,sys,sysconfig;i=sys.implementation;print(json.dumps({'name':i.name,'path':sys.executable,"
    "'version':'.'.join(map(str,sys.version_info[:3])),'threads':bool(sysconfig.get_config_var('Py_GIL_DISABLED'))}))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that runs, and in what it differs from the one that was wanted.

    `relaxed`: another patch release than `requires-python` admits.
    """

    path: Path
    version: str
    gaps: tuple[str, ...] = ()
    relaxed: bool = False

    @property
    def minor(self) -> int:
        """13 of 3.13.0."""
        return minor_of(self.version)

    @property
    def patch(self) -> int:
        """0 of 3.13.0."""
        return int(self.version.split(".")[2])


class Pythons:
    """Finds interpreters, each tried once. `extra` is where our own downloads lie."""

    def __init__(self, caller: Mapping[str, str], extra: Path) -> None:
        self.extra = extra
        self.downloads = caller.get("UV_PYTHON_DOWNLOADS", "").lower() in {"automatic", "true"}
        self._caller = caller
        self._tried: dict[Path, Interpreter | None] = {}
        self.own = Interpreter(path=Path(base_python()), version=platform.python_version())

    async def find(self, version: Version) -> Interpreter | None:
        """The best interpreter for a stack, or None.

        First one that is wanted; then another patch release of a wanted minor version; then the nearest newer minor
        version that `accepts` admits, then an older one. All but the first have a gap.
        """
        return await asyncio.to_thread(self._find, version)

    def _find(self, version: Version) -> Interpreter | None:
        wanted, bound = specifier(version.wanted, version.source), specifier(version.accepts, version.source)
        both = wanted & bound
        own = self.own.minor
        # several fit: ours is known to run; then the newest
        for minor in sorted(minors_of(both), key=lambda each: (each != own, -each)):
            if found := self._first(minor, both):
                return found
        goals = minors_of(both)
        for minor in goals:
            if found := self._nearest_patch(minor, both):
                return self._other(found, version, bound)
        goal = min(minors_of(wanted), default=own)
        for minor in sorted(minors_of(bound), key=lambda each: (each < goal, abs(each - goal))):
            if found := self._first(minor, bound) or self._nearest_patch(minor, bound):
                return self._other(found, version, bound)
        return None

    @staticmethod
    def _other(found: Interpreter, version: Version, bound: SpecifierSet) -> Interpreter:
        """The interpreter, with the gap that it is another one than wanted."""
        source = f" ({version.source})" if version.source else ""
        is_wanted = specifier(version.wanted, version.source).contains(found.version)
        wanted = version.accepts if is_wanted else version.wanted
        gap = f"Python {shown(found.version, wanted)} instead of {plain(wanted)}{source}"
        return replace(found, gaps=(gap,), relaxed=not bound.contains(found.version))

    def _first(self, minor: int, specifier: SpecifierSet) -> Interpreter | None:
        return next((each for each in self._all(minor) if specifier.contains(each.version)), None)

    def _nearest_patch(self, minor: int, specifier: SpecifierSet) -> Interpreter | None:
        """The interpreter of a minor version whose patch number is nearest to one that fits."""
        goals = [patch for patch in PATCHES if specifier.contains(f"3.{minor}.{patch}")]
        distances = {each: min(abs(each.patch - goal) for goal in goals) for each in self._all(minor)} if goals else {}
        return min(distances, key=lambda each: distances[each], default=None)

    def _all(self, minor: int) -> Iterator[Interpreter]:
        """The interpreters of a minor version, each tried once."""
        for path in self._places(minor):
            if path not in self._tried:
                self._tried[path] = probe(path)
            found = self._tried[path]
            if found and found.minor == minor:
                yield found

    def _places(self, minor: int) -> Iterator[Path]:
        """Where a Python 3.<minor> may be: ours, PATH, uv's and pyenv's own directories."""
        name = f"python3.{minor}"
        home = Path(self._caller.get("HOME", "/nowhere"))
        if self.own.minor == minor:
            yield self.own.path
        for part in self._caller.get("PATH", "").split(":"):
            if part.startswith("/") and Path(part, name).is_file():
                yield Path(part, name)
        data = Path(self._caller.get("XDG_DATA_HOME") or home / ".local/share")
        managed = Path(self._caller.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
        pyenv = Path(self._caller.get("PYENV_ROOT") or home / ".pyenv") / "versions"
        for base, pattern in (
            (self.extra, f"cpython-3.{minor}.*"),
            (managed, f"cpython-3.{minor}.*"),
            (pyenv, f"3.{minor}.*"),
        ):
            for path in sorted(base.glob(pattern), reverse=True):
                if (path / "bin" / name).is_file():
                    yield path / "bin" / name


def probe(path: Path) -> Interpreter | None:
    """Tries an interpreter: shims exist that only say that they lead nowhere."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", PROBE], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
        )
        facts = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if facts.get("name") != "cpython" or facts.get("threads"):
        return None
    return Interpreter(path=Path(facts["path"]), version=facts["version"])


def missing(version: Version) -> EngineError:
    """What to say where no interpreter is of use."""
    bound = plain(version.accepts or version.wanted)
    return EngineError(
        f"no Python {bound} on this machine ({version.source or 'requires-python'}). Install one so that it is on "
        "PATH, or set UV_PYTHON_DOWNLOADS=automatic to let uv fetch it",
        "toolchain",
    )
