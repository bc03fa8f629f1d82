"""The findings about this machine: engine, Python, Node, Postgres, Prefect's server and disk space."""

import asyncio
import os
import platform
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.doctor.finding import DoctorFinding
from tasks.engines.choice import choose_engine
from tasks.engines.local.postgres.binaries import OLDEST, WHEEL, host_binaries
from tasks.engines.local.toolchains.python import Pythons
from tasks.engines.versions.node import choose_node
from tasks.errors import EngineError
from tasks.prefect_server import answers
from tasks.prefect_server.start import is_ci, running_server
from tasks.settings import Settings
from tasks.stack import Stack, Version

LITTLE = 1 << 30
"""The disk space that a first run needs, in bytes, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """This machine, and the stack and settings of the run."""

    environ: Mapping[str, str]
    cache: Path
    data: Path
    settings: Settings
    stack: Stack

    async def findings(self) -> list[DoctorFinding]:
        """All findings, in the order in which a run needs the tools. They are looked for at the same time."""
        engine, pythons, postgres, prefect = await asyncio.gather(
            self.engine(),
            self._all_pythons(),
            asyncio.to_thread(lambda: [*self.postgres()]),
            asyncio.to_thread(self.prefect),
        )
        return [engine, *pythons, *self.nodes(), *postgres, prefect, *self.room()]

    async def _all_pythons(self) -> list[DoctorFinding]:
        return [each async for each in self.pythons()]

    async def engine(self) -> DoctorFinding:
        """The engine that a run would use."""
        try:
            choice = await choose_engine(self.settings.engine, self.environ)
        except EngineError as error:
            return DoctorFinding(name="engine", state="missing", text=str(error), fix="--engine local")
        fix = ""
        if choice.name == "local" and self.settings.engine == "auto":
            fix = "for full proof: start a Dagger engine or Docker, then --engine dagger"
        return DoctorFinding(name="engine", state="well", text=f"{choice.name}: {choice.reason}", fix=fix)

    async def pythons(self) -> AsyncIterator[DoctorFinding]:
        """The Python of predeploy, and the versions that the stack needs."""
        yield DoctorFinding(name="Python", state="well", text=f"{platform.python_version()} runs predeploy")
        pythons = Pythons(self.environ, self.cache / "toolchains/pythons")
        for version, place in wanted_pythons(self.stack):
            if not version.wanted:
                continue
            try:
                found = await pythons.find(version)
            except EngineError as error:
                yield DoctorFinding(name="Python", state="missing", text=str(error), fix=f"correct {version.source}")
                continue
            if found is None:
                text = f"none for {place}, which needs {version.wanted}"
                yield DoctorFinding(
                    name="Python", state="missing", text=text, fix="export UV_PYTHON_DOWNLOADS=automatic"
                )
            elif found.gaps:
                fix = "export UV_PYTHON_DOWNLOADS=automatic"
                yield DoctorFinding(name="Python", state="spare", text=f"{place}: {'; '.join(found.gaps)}", fix=fix)
            else:
                yield DoctorFinding(name="Python", state="well", text=f"{found.version} for {place}")

    def nodes(self) -> Iterator[DoctorFinding]:
        """The versions of Node that the stack needs. All of them are available as wheels."""
        for version, place in wanted_nodes(self.stack):
            try:
                choice = choose_node(version)
            except EngineError as error:
                yield DoctorFinding(
                    name="Node", state="missing", text=str(error), fix=f"correct {version.source or 'engines'}"
                )
                continue
            gap = f" ({'; '.join(choice.gaps)})" if choice.gaps else ""
            yield DoctorFinding(
                name="Node", state="well", text=f"{choice.text} for {place}{gap}, {self.kept(f'node-{choice.text}')}"
            )

    def postgres(self) -> Iterator[DoctorFinding]:
        """The installed Postgres, or the packaged one."""
        if not any(component.web for component in self.stack.components):
            return
        found = host_binaries(self.environ) if self.settings.postgres != "wheel" else None
        if found is not None:
            yield DoctorFinding(name="Postgres", state="well", text=f"{found.version} in {found.directory}")
        elif self.settings.postgres == "host":
            text = f"no Postgres {OLDEST} or newer is installed here, and postgres is set to host"
            yield DoctorFinding(name="Postgres", state="missing", text=text, fix='postgres = "wheel"')
        else:
            text = f"{WHEEL.partition('-')[2]} from a wheel, {self.kept(WHEEL)}"
            yield DoctorFinding(name="Postgres", state="well", text=text)

    def prefect(self) -> DoctorFinding:
        """The server that records runs. A run without a server has the same verdict."""
        if url := self.environ.get("PREFECT_API_URL", "").strip():
            if answers(url):
                return DoctorFinding(name="Prefect", state="well", text=f"a server at {url}")
            text = f"no server answers at PREFECT_API_URL ({url}): runs are not recorded"
            return DoctorFinding(name="Prefect", state="spare", text=text, fix="unset PREFECT_API_URL")
        if is_ci(self.environ):
            return DoctorFinding(
                name="Prefect", state="well", text="a separate server for each run, because this is CI"
            )
        running = running_server(self.data)
        text = f"the local server at {running.url}" if running else "the local server, which the next run starts"
        return DoctorFinding(name="Prefect", state="well", text=text)

    def room(self) -> Iterator[DoctorFinding]:
        """The directories that a run writes to, and the free space."""
        for name, place in (("cache", self.cache), ("data", self.data)):
            there = next(each for each in (place, *place.parents) if each.exists())
            free = shutil.disk_usage(there).free
            if not os.access(there, os.W_OK):
                yield DoctorFinding(
                    name=name, state="missing", text=f"{place} cannot be written", fix=f"chown -R $USER {there}"
                )
            elif free < LITTLE:
                text = f"{place}: only {free >> 20} MiB are free"
                yield DoctorFinding(name=name, state="missing", text=text, fix=f"rm -rf {self.cache}")
            else:
                yield DoctorFinding(name=name, state="well", text=f"{place}, {free >> 30} GiB free")

    def kept(self, tool: str) -> str:
        """Whether the cache has a program."""
        is_here = any((self.cache / "toolchains").glob(f"{tool}*"))
        return "in the cache" if is_here else "which the first run downloads"


def wanted_pythons(stack: Stack) -> Iterator[tuple[Version, str]]:
    """The versions of Python that components need, each once, with the first such component."""
    places = [(each.python.python, each.path) for each in stack.components if each.python]
    yield from dict(reversed(places)).items()


def wanted_nodes(stack: Stack) -> Iterator[tuple[Version, str]]:
    """The versions of Node that components need, each once, with the first such component."""
    places = [(each.node.node, each.path) for each in stack.components if each.node]
    yield from dict(reversed(places)).items()
