"""Tiny stacks: nothing but checks of their own, which a shell runs in no time."""

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
    """A repository with `predeploy.toml` and a file. `marks` lies outside: checks leave word there of what they did."""

    root: Path
    marks: Path
    rows: list[str] = field(default_factory=list)

    def has(self, name: str, script: str = PASSES, *, stage: str = "quality", needs: str = "") -> None:
        """One more check: a script for `sh` that finds the marks at `$1`."""
        run = shlex.join(["sh", "-c", script, name, str(self.marks)]).replace('"', '\\"').replace("\n", "\\n")
        wanted = f'needs = ["{needs}"]\n' if needs else ""
        self.rows.append(f'[[check]]\nname = "{name}"\nstage = "{stage}"\n{wanted}run = "{run}"\n')
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

    def mark(self, name: str) -> Path:
        """A file that a check may write."""
        return self.marks / name

    def git(self, *arguments: str) -> None:
        """Git, on the stack."""
        subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True)

    @property
    def runs(self) -> list[str]:
        """The ids of published runs."""
        return sorted(path.name for path in (self.root / ".predeploy/runs").glob("[!.]*"))

    @property
    def hidden(self) -> list[str]:
        """What lies beside published runs."""
        home = self.root / ".predeploy"
        return sorted(path.name for path in (*home.glob("runs/.*"), *home.glob(".latest*"), *home.glob(".gitignore.*")))

    def report(self, run: str = "latest") -> dict[str, Any]:
        """A published report."""
        place = self.root / ".predeploy" / (run if run == "latest" else f"runs/{run}")
        return checked((place / "report.json").read_text())

    def content(self) -> dict[str, str]:
        """Every file with mode, time and digest, without what is ours to write."""
        files = (path for path in self.root.rglob("*") if path.is_file() and ".predeploy" not in path.parts)
        return {
            str(
                path
            ): f"{path.stat().st_mode:o} {path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).digest()!r}"
            for path in files
        }


def make_stack(place: Path, marks: Path | None = None) -> TinyStack:
    """One without a check so far."""
    stack = TinyStack(root=place / "stack", marks=marks or place / "marks")
    stack.root.mkdir(parents=True)
    stack.marks.mkdir(exist_ok=True)
    (stack.root / "main.py").write_text("print('hello')\n")
    stack.git("init", "--quiet")
    return stack
