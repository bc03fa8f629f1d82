"""Runs the `run` steps of workflows and of the composite action one by one, as GitHub's runner does."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def load(name: str) -> dict[Any, Any]:
    """A workflow or an action of this repository."""
    document: dict[Any, Any] = yaml.safe_load((ROOT / name).read_text())
    return document


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A checkout, and what expressions stand for in it; the word of one that is not here is a mistake of the test."""

    workspace: Path
    temp: Path
    values: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, str]:
        """What steps have written down."""
        lines = (self.temp / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def filled(self, text: object) -> str:
        """A text with its expressions replaced."""
        return EXPRESSION.sub(lambda match: self.values[match[1]], str(text))

    def run(
        self, step: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A step to its end."""
        given = {name: self.filled(value) for name, value in {**(defaults or {}), **step.get("env", {})}.items()}
        github = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_ACTION_PATH": str(self.workspace),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "RUNNER_TEMP": str(self.temp),
        }
        script = self.temp / "step.sh"
        script.write_text(self.filled(step["run"]))
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / step.get("working-directory", "."),
            env={**os.environ, **self.environ, **github, **given},
            capture_output=True,
            text=True,
            check=False,
        )
