"""One validation as the command line makes it, without Prefect: for tests that care about the verdict alone."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.execution.executor import Run
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import CheckReport, Report
from tasks.report.directory import create_run_directory
from tasks.report.document import render_document
from tasks.report.live import Silent
from tasks.report.publish import publish
from tasks.user_dirs import UserDirs
from tasks.validation.job import RunEnvironment, prepare
from tasks.validation.scope import read_scope
from tasks.validation.validation import Validation

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples/cafe"
# read before the variables of the project are taken out of the environment of tests
GIVEN_CACHE = os.environ.get("PREDEPLOY_TEST_CACHE")


def schema() -> str:
    """The JSON Schema of report.json, as text."""
    return (ROOT / "tasks/report/report.schema.json").read_text(encoding="utf-8")


def shared_cache(home: Path) -> Path:
    """Where packages and programs are that many tests need: downloaded once."""
    return Path(GIVEN_CACHE) if GIVEN_CACHE else home / "engine-cache"


def unwatched(_: Run) -> None:
    """Nobody wants to know that the checks have begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """Where validations keep what they need, and what they find in their environment."""

    user_dirs: UserDirs
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    reuses: bool = False
    """Whether results of earlier validations stand for checks that depend on nothing that has changed."""

    def validate(self, stack: Path, *, begun: Callable[[Run], None] = unwatched, **flags: object) -> Report:
        """Runs the stack's plan and publishes the report, as flows/cli/main.py does."""
        return asyncio.run(self.run(stack, begun=begun, **flags))

    async def run(self, stack: Path, *, begun: Callable[[Run], None] = unwatched, **flags: object) -> Report:
        """The same, for tests that do something meanwhile."""
        scope = read_scope(stack, flags, self.environ, self.user_dirs.cache)
        given = RunEnvironment(environ=self.environ, token=None, exposure=NOTHING_EXPOSED)
        job = prepare(
            scope,
            given,
            user_dirs=self.user_dirs,
            called_as="predeploy",
            shown_stack=str(stack),
            takes_secrets=False,
            reuses=self.reuses,
        )
        with create_run_directory(scope.home, job.run_id, data=self.user_dirs.data) as directory:
            validation = Validation(job=job, directory=directory, progress=Silent(), begun=begun)
            report = await validation.run()
            publish(directory, {"report.json": render_document(report)})
        return report


def copy_sample(target: Path, below: str = ".") -> None:
    """The sample's tracked files, or those of a directory in it, with the times that they have there."""
    source = SAMPLE / below
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=source, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)


def commit(stack: Path) -> None:
    """Makes the stack a repository with two commits of the same: the first is what the second upgrades from."""
    commands = (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=deployed"],
        ["commit", "--quiet", "--allow-empty", "--message=to be deployed"],
    )
    for command in commands:
        subprocess.run(["git", *command], cwd=stack, check=True)


def told(report: Report) -> str:
    """Every check that is not green, in words: what a failing assertion shows."""
    lines = [f"exit {report.verdict.exit_code} after {report.duration:.1f} s"]
    lines += [f"warning: {warning}" for warning in report.warnings]
    for check in report.checks:
        lines += described(check)
    return "\n".join(lines)


def described(check: CheckReport) -> list[str]:
    """One check with its diagnostics, a line each."""
    result = check.result
    head = f"{result.status:8} {check.name} {result.duration:.1f} s {result.reason_code}: {result.reason}"
    said = [
        f"    {each.severity} {each.tool} {each.location} [{each.rule}] {each.message}" for each in result.diagnostics
    ]
    return [head + (f" ({result.summary})" if result.summary else ""), *said[:6]]
