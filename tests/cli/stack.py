"""Tiny stacks that have only custom checks: short shell scripts."""

import hashlib
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.caller import checked

PASSES = "exit 0"
FAILS = "echo 'main.py:3: error: it is broken' >&2; exit 1"
BREAKS = "exit 9"


@dataclass(frozen=True, kw_only=True)
class TinyStack:
    """A repository with `predeploy.toml` and a file. Checks write files into the external directory `marks`."""

    root: Path
    marks: Path
    rows: list[str] = field(default_factory=list)

    def has(self, name: str, script: str = PASSES, *, stage: str = "quality", needs: str = "") -> None:
        """Adds a check that runs a script with `sh`; `$1` is the directory `marks`."""
        run = shlex.join(["sh", "-c", script, name, str(self.marks)]).replace('"', '\\"').replace("\n", "\\n")
        need = f'needs = ["{needs}"]\n' if needs else ""
        self.rows.append(f'[[check]]\nname = "{name}"\nstage = "{stage}"\n{need}run = "{run}"\n')
        (self.root / "predeploy.toml").write_text("\n".join(self.rows))

    def has_site(self) -> None:
        """A component, whose own checks are switched off: only with one can the proof be full."""
        (self.root / "site").mkdir()
        (self.root / "site/index.html").write_text("<p>hello</p>\n")
        (self.root / "site/package.json").write_text(
            '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6"}}'
        )
        self.rows.append('[component.site]\nskip = ["site_site"]\n')
        (self.root / "predeploy.toml").write_text("\n".join(self.rows))

    def commit(self) -> None:
        """Commits all files."""
        self.git("add", "--all")
        self.git("-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "--quiet", "--message=all")

    def worktree(self, place: Path) -> "TinyStack":
        """Returns the same stack in a worktree of its repository."""
        self.git("worktree", "add", "--quiet", "--detach", str(place))
        return TinyStack(root=place, marks=self.marks)

    def mark(self, name: str) -> Path:
        """Returns the path of a file in `marks`."""
        return self.marks / name

    def git(self, *arguments: str) -> None:
        """Runs git in the stack."""
        subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True)

    @property
    def runs(self) -> list[str]:
        """The ids of published runs."""
        return sorted(path.name for path in (self.root / ".predeploy/runs").glob("[!.]*"))

    @property
    def hidden(self) -> list[str]:
        """The names of temporary files next to published runs."""
        home = self.root / ".predeploy"
        return sorted(path.name for path in (*home.glob("runs/.*"), *home.glob(".latest*"), *home.glob(".gitignore.*")))

    def report(self, run: str = "latest") -> dict[str, Any]:
        """Returns a published report."""
        place = self.root / ".predeploy" / (run if run == "latest" else f"runs/{run}")
        return checked((place / "report.json").read_text())

    def content(self) -> dict[str, str]:
        """Returns mode, time and digest by path of every file, except those in `.predeploy`."""
        files = (path for path in self.root.rglob("*") if path.is_file() and ".predeploy" not in path.parts)
        return {
            str(
                path
            ): f"{path.stat().st_mode:o} {path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).digest()!r}"
            for path in files
        }


def make_stack(place: Path, marks: Path | None = None) -> TinyStack:
    """Creates a stack without checks."""
    stack = TinyStack(root=place / "stack", marks=marks or place / "marks")
    stack.root.mkdir(parents=True)
    stack.marks.mkdir(exist_ok=True)
    (stack.root / "main.py").write_text("print('hello')\n")
    stack.git("init", "--quiet")
    return stack
