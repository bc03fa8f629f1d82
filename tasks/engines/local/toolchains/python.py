"""Pythons of this machine that really run, and which of them is nearest to the one that production has."""

import asyncio
import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tasks.engines.local.toolchains.pinned import base_python
from tasks.engines.versions.python import minors_of, plain, shown, specifier
from tasks.errors import EngineError
from tasks.stack import Version

PROBE = (
    "import json,ssl,sys,sysconfig;i=sys.implementation;print(json.dumps({'name':i.name,'path':sys.executable,"
    "'version':'.'.join(map(str,sys.version_info[:3])),'threads':bool(sysconfig.get_config_var('Py_GIL_DISABLED'))}))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that runs, and in what it differs from the one that was wanted."""

    path: Path
    version: str
    gaps: tuple[str, ...] = ()

    @property
    def minor(self) -> int:
        """13 of 3.13.0."""
        return int(self.version.split(".")[1])


class Pythons:
    """Finds interpreters, each tried once. `extra` is where our own downloads lie."""

    def __init__(self, caller: Mapping[str, str], extra: Path) -> None:
        self.extra = extra
        self.downloads = caller.get("UV_PYTHON_DOWNLOADS", "").lower() in {"automatic", "true"}
        self._caller = caller
        self._tried: dict[Path, Interpreter | None] = {}
        self.own = Interpreter(path=Path(base_python()), version=platform.python_version())

    async def find(self, version: Version) -> Interpreter | None:
        """The best interpreter within `accepts`: one that is wanted, else the nearest with a gap, else None."""
        return await asyncio.to_thread(self._find, version)

    def _find(self, version: Version) -> Interpreter | None:
        wanted, bound = specifier(version.wanted, version.source), specifier(version.accepts, version.source)
        both = wanted & bound
        own = self.own.minor
        # several fit: ours is known to run; then the newest
        for minor in sorted(minors_of(both), key=lambda each: (each != own, -each)):
            if found := self._first(minor, both):
                return found
        goal = min(minors_of(wanted), default=own)
        for minor in sorted(minors_of(bound), key=lambda each: (abs(each - goal), -each)):
            if found := self._first(minor, bound):
                source = f" ({version.source})" if version.source else ""
                return Interpreter(
                    path=found.path,
                    version=found.version,
                    gaps=(f"Python {shown(found.version, version.wanted)} instead of {plain(version.wanted)}{source}",),
                )
        return None

    def _first(self, minor: int, specifier: SpecifierSet) -> Interpreter | None:
        for path in self._places(minor):
            if path not in self._tried:
                self._tried[path] = probe(path)
            found = self._tried[path]
            if found and found.minor == minor and specifier.contains(found.version):
                return found
        return None

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
