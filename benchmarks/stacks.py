"""A stack under measurement: a copy with one commit, its directories, its edits, and the three ways to check it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from secrets import token_hex

from benchmarks.cases import COMMENTS, BenchCase, file_to_edit
from benchmarks.measuring import Sample, sampled
from benchmarks.tables import WAYS, Measured, parts_of
from benchmarks.ways import BenchRun, NotGreenError, call, limit_way, plain_way, skipped_of
from tasks.engines.choice import EngineChoice
from tasks.engines.dagger.prune import prune_engine
from tasks.prefect_server import stop_server
from tasks.prefect_server.start import running_server
from tasks.user_dirs import REPORTS, UserDirs
from tasks.validation.scope import Scope

ANSWERED = "Nothing has changed since the run"
"""The words of a receipt."""
NOT_COPIED = (REPORTS, ".git", "node_modules", ".venv", "__pycache__")


def copy_stack(source: Path, target: Path) -> Path:
    """Copies a stack, and makes it a repository with one commit, which is the base of the upgrade check."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    author = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*author, "commit", "--quiet", "--message", "what is deployed"),
    ):
        subprocess.run(("git", *words), cwd=target, check=True)
    return target


@dataclass(slots=True, kw_only=True)
class BenchStack:
    """A copied stack on one engine. `more` are the checks that the caller leaves out."""

    title: str
    stack: Path
    choice: EngineChoice
    is_sample: bool
    more: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    homes: list[Path] = field(default_factory=list)

    @property
    def warm(self) -> Path:
        """The directory with the caches of all rows but the cold one."""
        return self.stack.parent / "warm"

    def warm_up(self) -> None:
        """Installs what the rows find installed, by a run of each way."""
        self.skip = skipped_of(self.stack, self.more, dirs_below(self.warm))
        for name, way in self._ways(BenchCase(name="warm up"), self.warm, Measured(case="")).items():
            _report(f"{self.title}, the first run, {name}", sampled(way))

    def lacks(self, case: BenchCase, *, prunes: bool) -> str:
        """Returns why the stack cannot show a row; empty if it can."""
        if case.cold and self.choice.name == "dagger" and not prunes:
            return "the cache of the engine may belong to others: --prune-engine empties it"
        return "" if case.edits is None or self._edited(case) else f"the stack has no {case.edits} to edit"

    def measured(self, case: BenchCase, rounds: int) -> Measured:
        """Measures a row. The ways take turns, and another one begins each round, so that the load affects all."""
        row = Measured(case=case.name)
        if case.is_answered:
            self._ways(case, self.warm, row, is_answered=False)["ours"]()  # this run leaves the receipt
        for number in range(rounds):
            order = WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]
            for name in order:
                home = self._home_of(case)
                ways = self._ways(case, home, row)
                if name in ways:
                    self._prepare(case)
                    sample = sampled(ways[name])
                    row.samples.setdefault(name, []).append(sample)
                    _report(f"{self.title}, {case.name}, {name}", sample)
        return row

    def call_ours(self, *flags: str, home: Path | None = None) -> str:
        """Runs the command line on the stack. Returns what it prints."""
        environ = environ_of(home or self.warm)
        return call("flows.predeploy", str(self.stack), "--engine", self.choice.name, *flags, environ=environ)

    def edit(self, path: str) -> None:
        """Adds a comment with a number of its own, so that no kept result fits the file."""
        with (self.stack / path).open("a", encoding="utf-8") as file:
            file.write(COMMENTS[PurePosixPath(path).suffix].format(token_hex(4)))

    def close(self) -> None:
        """Ends the Prefect servers of the measured runs."""
        for home in (self.warm, *self.homes):
            if server := running_server(dirs_below(home).data):
                stop_server(server)

    def _ways(
        self, case: BenchCase, home: Path, row: Measured, *, is_answered: bool | None = None
    ) -> dict[str, Callable[[], object]]:
        is_answered = case.is_answered if is_answered is None else is_answered
        bench = BenchRun(
            stack=self.stack, skip=self.skip, choice=self.choice, user_dirs=dirs_below(home), fresh=case.fresh
        )
        ours = partial(self._ours, case, home, row, is_answered=is_answered)
        if case.is_answered:
            return {"ours": ours}
        ways: dict[str, Callable[[], object]] = {"limit": lambda: asyncio.run(limit_way(bench)), "ours": ours}
        if self.choice.name == "local":
            return {"plain": lambda: asyncio.run(plain_way(bench)), **ways}
        # the script in containers knows the sample only
        return {"plain": partial(call, "benchmarks.plain_dagger", str(self.stack)), **ways} if self.is_sample else ways

    def _ours(self, case: BenchCase, home: Path, row: Measured, *, is_answered: bool) -> None:
        trace = self.stack.parent / "trace.json"
        flags = ["--output", "agent", *(word for name in self.skip for word in ("--skip", name))]
        flags += [] if case.is_answered else ["--trace", str(trace)]
        text = self.call_ours(*flags, *(["--fresh"] if case.fresh else []), home=home)
        if is_answered and ANSWERED not in text:
            raise NotGreenError(f"no receipt answered the command: {text}")
        if not case.is_answered:
            row.parts.append(parts_of(json.loads(trace.read_text(encoding="utf-8"))))

    def _edited(self, case: BenchCase) -> str:
        scope = self._scope()
        for component in scope.stack.components:
            if component.kind is case.edits and (found := file_to_edit(component, scope.tree.files)):
                return found
        return ""

    def _scope(self) -> Scope:
        return BenchRun(stack=self.stack, skip=self.skip, choice=self.choice, user_dirs=dirs_below(self.warm)).scope()

    def _home_of(self, case: BenchCase) -> Path:
        if not case.cold:
            return self.warm
        self.homes.append(self.stack.parent / f"cold-{len(self.homes)}")
        return self.homes[-1]

    def _prepare(self, case: BenchCase) -> None:
        if case.edits is not None:
            self.edit(self._edited(case))
        if case.cold and self.choice.name == "dagger":
            asyncio.run(prune_engine(os.environ, self.stack.parent / "prune.log", 0))


def environ_of(home: Path) -> Mapping[str, str]:
    """Returns the environment in which the directories of a user are below `home`."""
    return {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}


def dirs_below(home: Path) -> UserDirs:
    """Returns the same directories for the ways in this process."""
    return UserDirs(cache=home / "cache/predeploy", data=home / "data/predeploy")


def _report(what: str, sample: Sample) -> None:
    text = f"{what}: {sample.seconds:.1f} s, {sample.cpu:.1f} CPU s, load {sample.load:.1f}"
    print(text, file=sys.stderr, flush=True)
