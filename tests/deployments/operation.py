"""An operation: Prefect's own server, a worker, GitHub with repositories, and the deployments of `prefect.yaml`."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.deployments.fake_github import FakeGitHub
from tests.deployments.service import environment
from tests.flows.harness import wait_until

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
TOKEN = "ghp_canary0123456789"
# a gate needs a component; the checks of this one are switched off
SITE = """\
[component.site]
skip = ["site_site"]

"""
POLICY = f"""\
{SITE}[[check]]
name = "words"
stage = "quality"
run = "sh check.sh"

[[check]]
name = "later"
stage = "integration"
needs = ["words"]
run = "true"
"""
PASSES, FAILS, BREAKS, HANGS = "exit 0", "echo 'main.py:3: error: broken' >&2; exit 1", "exit 9", "sleep 300"


@dataclass(frozen=True, kw_only=True)
class Remotes:
    """The repositories of a server, by `owner/name`."""

    place: Path

    @property
    def url(self) -> str:
        """The prefix of the repositories' URLs."""
        return f"file://{self.place}"

    def git(self, name: str, *arguments: str) -> str:
        """Runs git in the checkout that a repository is pushed from. Returns its output."""
        work = self.place / f"{name}.work"
        done = subprocess.run(["git", "-C", work, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, name: str, ref: str = "refs/heads/main", *, check: str = PASSES, policy: str = POLICY) -> str:
        """Pushes a new commit to a ref, and creates the repository if needed. Returns the commit's id."""
        bare, work = self.place / f"{name}.git", self.place / f"{name}.work"
        if not bare.exists():
            for arguments in (("--bare", bare), (work,)):
                subprocess.run(["git", "init", "--quiet", "--initial-branch=main", *arguments], check=True)
        (work / "check.sh").write_text(f"{check}\n# {time.time_ns()}\n")
        (work / "predeploy.toml").write_text(policy)
        if policy.startswith(SITE):
            (work / "site").mkdir(exist_ok=True)
            (work / "site/index.html").write_text("<p>hello</p>\n")
            manifest = '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6"}}'
            (work / "site/package.json").write_text(manifest)
        self.git(name, "add", "--all")
        self.git(name, "commit", "--quiet", "--message", "a commit")
        self.git(name, "push", "--quiet", "--force", str(bare), f"HEAD:{ref}")
        return self.git(name, "rev-parse", "HEAD")


@dataclass(kw_only=True)
class Operation:
    """All running programs, with a client of Prefect's API."""

    url: str
    home: Path
    remotes: Remotes
    github: FakeGitHub
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def environment(self, **more: str) -> dict[str, str]:
        """Returns the environment for a program of this operation."""
        ours = {
            "PREFECT_API_URL": self.url,
            "PREFECT_UI_URL": "https://prefect.example",
            "PREDEPLOY_GITHUB_SERVER_URL": self.remotes.url,
            "PREDEPLOY_GITHUB_API_URL": self.github.url,
            "PREDEPLOY_GITHUB_TOKEN": TOKEN,
        }
        return environment(self.home, **{**ours, **more})

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Sends a request to Prefect's API. Returns the JSON of the answer."""
        answer = self.client.request(method, f"{self.url}{path}", json=body or None)
        while answer.status_code == 503:  # SQLite is locked for a moment; Prefect's own client waits, too
            time.sleep(0.2)
            answer = self.client.request(method, f"{self.url}{path}", json=body or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def repository(self, name: str) -> str:
        """Returns the URL of a repository."""
        return f"{self.remotes.url}/{name}.git"

    def deployment(self, name: str, flow: str = "validate") -> dict[str, Any]:
        """Returns a deployment of a flow."""
        return dict(self.ask("GET", f"/deployments/name/{flow}/{name}"))

    def start(self, deployment: str, **parameters: Any) -> str:
        """Starts a run of a deployment. Returns its id."""
        created = self.ask(
            "POST",
            f"/deployments/{self.deployment(deployment)['id']}/create_flow_run",
            parameters=parameters,
            state={"type": "SCHEDULED"},
        )
        return str(created["id"])

    def run(self, run: str) -> dict[str, Any]:
        """Returns the current data of a run."""
        return dict(self.ask("GET", f"/flow_runs/{run}"))

    def runs(self, *tags: str) -> list[dict[str, Any]]:
        """Returns all runs with these tags, the newest first."""
        return list(self.ask("POST", "/flow_runs/filter", flow_runs={"tags": {"all_": tags}}, sort="START_TIME_DESC"))

    def wait(self, run: str, states: set[str] | None = None, limit: float = 120) -> dict[str, Any]:
        """Waits until a run is in one of these states, by default a final one. Returns the run."""
        wait_until(lambda: self.run(run)["state_type"] in (states or FINAL), limit=limit)
        return self.run(run)

    def wait_for_states(self, repository: str, commit: str, *states: str) -> None:
        """Waits until GitHub has exactly these states of a commit. The last one is set after the run has ended."""
        wait_until(lambda: len(self.github.states(repository, commit)) >= len(states), limit=120)
        assert self.github.states(repository, commit) == list(states)

    def cancel(self, run: str) -> None:
        """Cancels a run, as the UI does."""
        self.ask("POST", f"/flow_runs/{run}/set_state", state={"type": "CANCELLING", "message": "enough"})

    def said(self, run: str) -> str:
        """Returns all log lines of a run."""
        lines = self.ask("POST", "/logs/filter", logs={"flow_run_id": {"any_": [run]}}, sort="TIMESTAMP_ASC")
        return "\n".join(line["message"] for line in lines)

    def checks(self, run: str) -> Mapping[str, str]:
        """Returns the checks of a run, as `stage/check`, with the names of their states."""
        stages = self.ask("POST", "/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [run]}})
        return {
            f"{stage['name']}/{task['name']}": task["state_name"]
            for stage in stages
            for task in self.ask("POST", "/task_runs/filter", flow_runs={"id": {"any_": [stage["id"]]}})
        }

    def artifacts(self, run: str) -> dict[str, Any]:
        """Returns the data of a run's artifacts, by key."""
        found = self.ask("POST", "/artifacts/filter", artifacts={"flow_run_id": {"any_": [run]}})
        return {artifact["key"]: artifact["data"] for artifact in found}


@contextlib.contextmanager
def prefect_server(home: Path, template: Path) -> Iterator[str]:
    """Runs a server on a fresh home. It schedules 221 days ahead instead of the default hundred. Yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ahead = {"MIN_RUNS": "220", "MAX_RUNS": "220", "MAX_SCHEDULED_TIME": "P221D", "INSERT_BATCH_SIZE": "500"}
    variables = {f"PREFECT_SERVER_SERVICES_SCHEDULER_{name}": value for name, value in ahead.items()}
    url = f"http://127.0.0.1:{port}/api"
    argv = [sys.executable, "-m", "tests.deployments.prefect_server", str(port)]
    (home / "prefect").mkdir()
    shutil.copyfile(template, home / "prefect/prefect.db")
    with program(argv, home, environment(home, PREFECT_UI_ENABLED="false", **variables), "server"):
        wait_until(lambda: is_up(f"{url}/health"), limit=180)
        yield url


@contextlib.contextmanager
def worker(
    operation: Operation, *arguments: str, pool: str = "local", name: str = "worker", **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a worker as `./just worker` does, with these arguments."""
    argv = [sys.executable, "-P", "-m", "deployments.worker", pool, *arguments]
    variables = operation.environment(PREDEPLOY_ENGINE="local", **more)
    log = operation.home / f"{name}.log"
    said = log.stat().st_size if log.exists() else 0
    with program(argv, operation.home, variables, name) as process:
        wait_until(lambda: b"started!" in log.read_bytes()[said:], limit=60)
        yield process


def deploy(operation: Operation) -> str:
    """Does what `./just deploy` does. Returns the output."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deployments.deploy"],
        cwd=operation.home,
        env=operation.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@contextlib.contextmanager
def program(argv: list[str], home: Path, env: Mapping[str, str], name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program in a new session, and kills the whole session after the block."""
    with (home / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=home,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_up(url: str) -> bool:
    """Whether a server answers at the URL."""
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
