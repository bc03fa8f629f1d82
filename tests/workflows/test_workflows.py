"""The workflows and the composite action: linted, pinned, and their steps really run in a clean checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.models import Outcome
from tasks.source.clone import clone_stack, find_commit
from tests.deployments.fake_github import FakeGitHub, fake_github
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler
from tests.support.benches import GIVEN, unreachable
from tests.support.validate import commit, shared_cache
from tests.workflows.runner import ROOT, Runner, load

WORKFLOWS = (".github/workflows/validate.yml", ".github/workflows/deploy.yml")
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"
NEEDED = {
    "ALLOWED_HOSTS": "cafe.example",
    "CLOUDFLARE_ACCOUNT_ID": "0123456789abcdef" * 2,
    "CLOUDFLARE_API_TOKEN": "0123456789abcdefghij0123456789abcdefghij",
    "DATABASE_URL": "postgres://cafe:0123456789@db.cafe.example/cafe",
    "INTAKE_API_KEY": "0123456789abcdef" * 2,
    "NEON_DATABASE_URL": "postgres://cafe:0123456789@db.cafe.example/cafe",
    "SECRET_KEY": "0123456789abcdef" * 4,
}
"""What a deploy of the sample needs."""
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def steps(document: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a workflow or an action."""
    for job in (document.get("jobs") or {"": document["runs"]}).values():
        yield from job.get("steps", ())


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_workflows_are_linted(tmp_path: Path, shared_home: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here to build actionlint with: the workflows were NOT linted")
    place = shared_home / "go"
    environ = {**os.environ, "GOBIN": str(place / "bin"), "GOPATH": str(place), "GOFLAGS": "-modcacherw"}
    subprocess.run([go, "install", ACTIONLINT], env=environ, check=True, capture_output=True, cwd=tmp_path)

    linted = subprocess.run(
        [place / "bin/actionlint", "-no-color"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("name", [*WORKFLOWS, "action.yml"])
def test_actions_of_others_are_pinned_by_the_commit_of_a_tag(name: str) -> None:
    used = re.findall(r"\buses: (.+)", (ROOT / name).read_text())

    assert used
    assert [each for each in used if not each.startswith("./") and not PINNED.fullmatch(each)] == []


@pytest.mark.parametrize("name", [*WORKFLOWS, "action.yml"])
def test_nothing_from_outside_becomes_part_of_a_script(name: str) -> None:
    assert [step["run"] for step in steps(load(name)) if "${{" in step.get("run", "")] == []


def test_nobody_may_more_than_he_needs() -> None:
    found = {name: load(name) for name in WORKFLOWS}

    assert [document["permissions"] for document in found.values()] == [{"contents": "read"}] * 2
    assert [job["permissions"] for job in found[WORKFLOWS[1]]["jobs"].values() if "permissions" in job] == [
        {"statuses": "write"}
    ]
    checkouts = [step for name in WORKFLOWS for step in steps(found[name]) if "checkout@" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]


def test_a_validation_is_a_gate_where_a_target_is_named() -> None:
    job = load(WORKFLOWS[0])["jobs"]["validate"]
    (ours,) = (step["with"] for step in job["steps"] if step["uses"] == "./")

    assert ours["environment"] == "${{ env.TARGET }}"
    assert ours["gate"] == "${{ env.TARGET != '' }}"
    assert "github.event_name != 'pull_request' && vars." in job["env"]["TARGET"]


def test_the_one_secret_of_a_validation() -> None:
    assert set(re.findall(r"secrets\.(\w+)", (ROOT / WORKFLOWS[0]).read_text())) == {"DOPPLER_TOKEN"}


def test_a_deploy_waits_for_the_gate_or_for_who_answers_for_its_absence() -> None:
    jobs = load(WORKFLOWS[1])["jobs"]

    assert jobs["deploy"]["needs"] == ["validate", "skip"]
    assert jobs["validate"]["uses"] == "./.github/workflows/validate.yml"
    assert load("action.yml")["inputs"]["gate"]["default"] == "true"


def test_a_deploy_is_of_the_commit_that_github_names() -> None:
    checkout = load(WORKFLOWS[1])["jobs"]["deploy"]["steps"][0]

    assert checkout["with"]["ref"] == "${{ github.sha }}"


COMMIT = "a" * 40


@pytest.fixture
def action(tmp_path: Path) -> Runner:
    """A checkout whose `just` only notes what it was asked to do, and a stack that has brought a report along."""
    workspace, temp = tmp_path / "checkout", tmp_path / "temp"
    (workspace / ".venv/bin").mkdir(parents=True)
    (workspace / ".venv/bin/python").symlink_to(sys.executable)
    (workspace / "just").write_text('#!/bin/sh\necho "$@" >asked\nexit 2\n')
    (workspace / "just").chmod(0o755)
    write_report(workspace, commit="e" * 40, result="passed")
    temp.mkdir()
    names = ("engine", "environment", "built", "doppler-token", "comment-token")
    values = {"inputs.stack": "stack", "inputs.gate": "true"} | {f"inputs.{name}": "" for name in names}
    return Runner(workspace=workspace, temp=temp, values=values)


def write_report(workspace: Path, **said: object) -> None:
    latest = workspace / "stack/.predeploy/latest"
    latest.mkdir(parents=True, exist_ok=True)
    (latest / "report.json").write_text(json.dumps(said))


def ours(name: str) -> dict[str, Any]:
    """A step of the action."""
    return next(step for step in steps(load("action.yml")) if step["name"] == name)


@pytest.mark.parametrize("is_link", [True, False])
def test_facts_are_never_those_of_a_report_that_was_committed(action: Runner, is_link: bool) -> None:
    reports = action.workspace / "stack/.predeploy"
    if is_link:
        reports.rename(action.workspace / "elsewhere")
        reports.symlink_to("../elsewhere")

    validated, read = action.run(ours("Validate")), action.run(ours("Read the report"))

    assert (validated.returncode, read.returncode) == (2, 0)
    assert (action.workspace / "asked").read_text().startswith("pre-deploy ./stack --engine")
    assert not (action.temp / "output").exists()
    assert not reports.is_symlink()
    assert not reports.exists()
    assert (action.workspace / "elsewhere/latest/report.json").exists() == is_link


def test_there_are_facts_only_where_the_run_began() -> None:
    assert ours("Validate")["id"] == "validate"
    began = "(steps.validate.outcome == 'success' || steps.validate.outcome == 'failure')"
    assert began in ours("Read the report")["if"]


@pytest.mark.parametrize(
    ("commit", "result"), [("a" * 40, "passed"), ("b" * 64, "failed"), (None, "usage"), ("", "interrupted")]
)
def test_facts_of_a_report(action: Runner, commit: str | None, result: str) -> None:
    write_report(action.workspace, commit=commit, result=result)

    assert action.run(ours("Read the report")).returncode == 0
    assert action.outputs == {"commit": commit or "", "result": result}


@pytest.mark.parametrize(
    ("commit", "result"),
    [
        ("a" * 40 + "\n", "passed"),
        ("a" * 40 + "\nresult=passed", "failed"),
        ("refs/heads/main", "passed"),
        ("a" * 40, "failed\nresult=passed"),
        ("a" * 40, "green"),
    ],
)
def test_facts_that_are_none_are_not_told(action: Runner, commit: str, result: str) -> None:
    write_report(action.workspace, commit=commit, result=result)

    ended = action.run(ours("Read the report"))

    assert ended.returncode == 1
    assert "Find the process that has overwritten the report" in ended.stderr
    assert (action.temp / "output").read_text() == ""


def test_the_results_that_there_are() -> None:
    assert all(f'"{outcome}"' in ours("Read the report")["run"] for outcome in Outcome)


def skip_step(tmp_path: Path, github: FakeGitHub, reason: str) -> tuple[Runner, dict[str, Any]]:
    """The step that leaves word, and a GitHub that it leaves it with."""
    values = {
        "github.token": "t0ken",
        "inputs.environment": "production",
        "inputs.reason": reason,
        "github.server_url": "https://github.example",
        "github.repository": "cafe/stack",
        "github.run_id": "7",
    }
    environ = {
        "GITHUB_API_URL": github.url,
        "GITHUB_ACTOR": "ada",
        "GITHUB_REPOSITORY": "cafe/stack",
        "GITHUB_SHA": COMMIT,
    }
    (step,) = load(WORKFLOWS[1])["jobs"]["skip"]["steps"]
    return Runner(workspace=tmp_path, temp=tmp_path, values=values, environ=environ), step


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github() as github:
        yield github


def test_who_skips_validation_says_why_and_is_named(tmp_path: Path, github: FakeGitHub) -> None:
    runner, step = skip_step(tmp_path, github, 'the "shop" is down; $(touch broken)\n' + "x" * 200)

    ended = runner.run(step)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    ((path, authorization, status),) = github.requests
    assert (path, authorization) == (f"/repos/cafe/stack/statuses/{COMMIT}", "Bearer t0ken")
    said = status.pop("description")
    assert said.startswith('ada skipped validation for production: the "shop" is down; $(touch broken)')
    assert len(said) == 140
    url = "https://github.example/cafe/stack/actions/runs/7"
    assert status == {"state": "error", "context": "predeploy/skipped", "target_url": url}
    assert not (tmp_path / "broken").exists()
    assert "ada skipped validation" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_nobody_skips_validation_without_a_reason(tmp_path: Path, github: FakeGitHub, reason: str) -> None:
    runner, step = skip_step(tmp_path, github, reason)

    ended = runner.run(step)

    assert ended.returncode == 1
    assert "::error title=deploy::skip_validation needs a reason" in ended.stdout
    assert github.requests == []


def test_nobody_skips_validation_unseen(tmp_path: Path, github: FakeGitHub) -> None:
    github.refusals.append((403, {}, "Resource not accessible by integration"))
    runner, step = skip_step(tmp_path, github, "the shop is down")

    ended = runner.run(step)

    assert ended.returncode != 0
    assert "Resource not accessible" in ended.stdout
    assert "t0ken" not in ended.stdout + ended.stderr


@pytest.fixture
def runner(tmp_path: Path, shared_home: Path) -> Runner:
    """A clean checkout of this repository, on the engine of containers where there is one."""
    workspace = clone_stack(ROOT, find_commit(ROOT, ""), tmp_path / "checkout")
    engine = "local" if unreachable() else "dagger"
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "predeploy").symlink_to(shared_cache(shared_home), target_is_directory=True)
    shared_cache(shared_home).mkdir(parents=True, exist_ok=True)
    values = {
        "inputs.stack": "examples/cafe",
        "inputs.engine": engine,
        "inputs.gate": "true",
        "inputs.environment": "",
        "inputs.built": str(tmp_path / "built"),
        "inputs.doppler-token": "",
        "inputs.comment-token": "",
    }
    (tmp_path / "temp").mkdir()
    environ = {"XDG_CACHE_HOME": str(cache), "XDG_DATA_HOME": str(tmp_path / "data"), **GIVEN}
    return Runner(workspace=workspace, temp=tmp_path / "temp", values=values, environ=environ)


@pytest.fixture
def node(shared_home: Path) -> Path:
    """The programs of the Node that the deploy sets up."""
    (version,) = (step["with"]["node-version"] for step in load(WORKFLOWS[1])["jobs"]["deploy"]["steps"][1:2])
    place = shared_home / "node"
    subprocess.run(["npm", "install", "--prefix", place, f"node@{version}"], check=True, capture_output=True)
    return place / "node_modules/.bin"


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_the_steps_of_a_validation_and_of_its_deploy(runner: Runner, tmp_path: Path, node: Path) -> None:
    install, validate, facts = (step for step in steps(load("action.yml")) if "run" in step)
    with_containers = runner.values["inputs.engine"] == "dagger"
    with serving(Doppler(configs={("cafe", "prd"): NEEDED})) as doppler:
        token = doppler.service_token("cafe", "prd")
        target = {"inputs.environment": "production", "inputs.doppler-token": token}
        if not with_containers:  # a gate without containers is no pass, and hands nothing on
            target["inputs.gate"] = "false"
        environ = {**runner.environ, "DOPPLER_API_HOST": doppler.url}
        runner = replace(runner, values={**runner.values, **target}, environ=environ)

        for step in (install, validate, facts):
            ended = runner.run(step)
            assert ended.returncode == 0, ended.stdout + ended.stderr

    report = json.loads((runner.workspace / "examples/cafe/.predeploy/latest/report.json").read_text())
    assert (report["gate"], report["ready"]) == (with_containers, with_containers)
    assert runner.outputs == {"commit": find_commit(ROOT, ""), "result": "passed"}
    assert [each["component"] for each in report["built"]] == ["workers/intake", "sites/coffee-shop"]
    assert (runner.temp / "summary").read_text().startswith("# ")
    dry_run(runner, tmp_path, node)


def dry_run(runner: Runner, tmp_path: Path, node: Path) -> None:
    """The deploy's own steps, on what was built, with wrangler's dry run."""
    job = load(WORKFLOWS[1])["jobs"]["deploy"]
    values = {
        "inputs.environment == 'production' && '' || format('-{0}', inputs.environment)": "-staging",
        "github.workspace": str(tmp_path),
        "secrets.CLOUDFLARE_API_TOKEN": "",
        "secrets.CLOUDFLARE_ACCOUNT_ID": "",
    }
    more = {"WRANGLER_FLAGS": "--dry-run", "PATH": f"{node}:{os.environ['PATH']}"}
    deployer = replace(runner, values=values, environ={**runner.environ, **more})
    below = {"working-directory": job["defaults"]["run"]["working-directory"]}
    for step in job["steps"]:
        if "run" in step and "if" not in step:
            ended = deployer.run({**below, **step}, job["env"])
            assert ended.returncode == 0, ended.stdout + ended.stderr
            if step["name"].startswith("Deploy"):
                assert "--dry-run: exiting now" in ended.stdout, ended.stdout


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_a_red_run_still_has_its_facts_and_annotations(runner: Runner) -> None:
    models = runner.workspace / "examples/cafe/apps/web/inbox/models.py"
    models.write_text(models.read_text().replace("handled", "handeld", 1))
    shutil.rmtree(runner.workspace / ".git")
    commit(runner.workspace)
    red = replace(
        runner, values={**runner.values, "inputs.engine": "local", "inputs.gate": "false", "inputs.built": ""}
    )
    install, validate, facts = (step for step in steps(load("action.yml")) if "run" in step)
    assert red.run(install).returncode == 0

    ended = red.run({**validate, "env": {**validate["env"], "PREDEPLOY_STAGES": "quality", "PREDEPLOY_ONLY": "mypy"}})

    assert ended.returncode == 1, ended.stdout + ended.stderr
    annotation = "::error title=mypy,file=examples/cafe/apps/web/inbox/models.py,line="
    assert [line for line in ended.stdout.splitlines() if line.startswith(annotation)], ended.stdout
    assert red.run(facts).returncode == 0
    assert red.outputs["result"] == "failed"
