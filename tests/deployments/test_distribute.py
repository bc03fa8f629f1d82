"""A run whose checks run on two real workers: the report equals that of a local run, even if a worker dies."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.distribution.simulation import simulate
from tasks.execution.durations import read_history
from tasks.validation.scope import read_scope
from tests.deployments.operation import Operation, worker
from tests.deployments.test_deployments import processes
from tests.flows.harness import ROOT, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real]
LOST, UNCLAIMED = 4, 2
OPEN = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")
POLICY = """\
[[check]]
name = "compile"
stage = "build"
run = "sh -c 'echo made > made.txt'"

[[check]]
name = "words"
stage = "quality"
run = "sh check.sh"

[[check]]
name = "types"
stage = "quality"
needs = ["compile"]
run = "sh types.sh"

[[check]]
name = "starts"
stage = "integration"
needs = ["compile"]
run = "true"

[[check]]
name = "talks"
stage = "integration"
needs = ["starts"]
secrets = ["STRIPE_KEY"]
run = "sh talks.sh"
"""
RED = "echo 'main.py:3: error: broken' >&2; exit 1"
SECRET = "sk_live_canary_4567"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def workers(operation: Operation) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers for shards, each with one slot."""
    with contextlib.ExitStack() as opened:
        found = [
            opened.enter_context(worker(operation, "--limit", "1", pool="shards", name=name, STRIPE_KEY=SECRET))
            for name in ("first", "second")
        ]
        wait_until(lambda: len(online(operation)) == 2, limit=30)
        yield found


@pytest.fixture
def operated(operation: Operation, workers: list[subprocess.Popen[bytes]]) -> Iterator[Operation]:
    """An operation with both workers. At the end of each test, no shard is left open."""
    assert len(workers) == 2
    yield operation
    wait_until(lambda: not shards(operation, *OPEN), limit=30)


def online(operation: Operation) -> list[Any]:
    found = operation.ask("POST", "/work_pools/shards/workers/filter")
    return [each for each in found if each["status"] == "ONLINE"]


def make_stack(operation: Operation, name: str, **scripts: str) -> Path:
    """Returns a clone of a repository with one commit. Its scripts pass, except those that are given."""
    work = operation.remotes.place / f"{name}.work"
    work.mkdir(parents=True, exist_ok=True)
    for script in ("types", "talks"):
        (work / f"{script}.sh").write_text(scripts.get(script, "exit 0") + "\n")
    operation.remotes.commit(name, check=scripts.get("words", "exit 0"), policy=POLICY)
    clone = operation.home / "clones" / name
    subprocess.run(["git", "clone", "--quiet", operation.repository(name), clone], check=True)
    return clone


def command_line(operation: Operation, stack: Path, *flags: str, **more: str) -> subprocess.Popen[str]:
    given = {
        "PREDEPLOY_SHARD_LOST": str(LOST),
        "PREDEPLOY_SHARD_UNCLAIMED": str(UNCLAIMED),
        "PREDEPLOY_ENGINE": "local",
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "flows.predeploy", str(stack), "--json-output", *flags],
        cwd=ROOT,
        env=operation.environment(**given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(operation: Operation, stack: Path, *flags: str, **more: str) -> Document:
    """Returns the report of a run that has ended, with its stderr under `stderr`."""
    return ended(command_line(operation, stack, *flags, **more))


def ended(process: subprocess.Popen[str]) -> Document:
    stdout, stderr = process.communicate(timeout=120)
    assert stdout, stderr
    document: Document = json.loads(stdout)
    assert process.returncode == document["exit_code"], stderr
    return {**document, "stderr": stderr}


def comparable(document: Document) -> Document:
    """Returns the report without the times, paths and names that differ from run to run."""
    kept = {name: document[name] for name in ("result", "exit_code", "reason", "tree", "commit", "counts", "warnings")}
    checks = {check["id"]: check for stage in document["stages"].values() for check in stage["checks"]}
    timed = ("started_seconds", "duration_seconds", "log", "rerun")
    return {
        **kept,
        "secrets": document["secrets"],
        "checks": {name: {k: v for k, v in check.items() if k not in timed} for name, check in checks.items()},
    }


def statuses(document: Document) -> dict[str, tuple[str, str]]:
    checks = [check for stage in document["stages"].values() for check in stage["checks"]]
    return {check["name"]: (check["status"], check["reason_code"]) for check in checks}


def test_a_run_without_a_worker_ends_after_the_limit(operation: Operation) -> None:
    stack = make_stack(operation, "acme/unclaimed")

    document = run(operation, stack, "--distribute")

    assert document["exit_code"] == 3
    assert {code for _, code in statuses(document).values()} == {"shard_unclaimed", "needs"}
    assert (
        "no worker of the pool shards took the shard within 2 s. Start one: ./just worker shards" in document["reason"]
    )
    assert {each["state_name"] for each in shards(operation).values()} == {"Lost"}


def test_the_report_equals_that_of_a_local_run(operated: Operation) -> None:
    stack = make_stack(operated, "acme/same", words=RED, talks='echo "$STRIPE_KEY"')

    plain = run(operated, stack, STRIPE_KEY=SECRET)
    shared = run(operated, stack, "--distribute")

    assert shared["exit_code"] == 1, shared["stderr"]
    assert comparable(shared) == comparable(plain)
    logs = [(stack / check["log"]).read_text() for check in shared["stages"]["integration"]["checks"]]
    assert ["true" in logs[0], "***" in logs[1]] == [True, True]
    assert SECRET not in str(logs) + str(shared)


def test_simulated_shards_are_those_of_a_real_run(operated: Operation) -> None:
    stack = make_stack(operated, "acme/simulated", words="sleep 4", types="sleep 2", talks="sleep 3")
    plain = run(operated, stack, "--fresh", STRIPE_KEY=SECRET)
    cache = operated.home / ".cache/predeploy"
    plan = read_scope(stack, {}, {}, cache).plan
    expected = simulate(plan, read_history(cache, stack), workers=2, cores=2)

    shared = run(operated, stack, "--distribute")

    assert (plain["exit_code"], shared["exit_code"]) == (0, 0), shared["stderr"]
    found = [tuple(each["parameters"]["checks"]) for _, each in sorted(shards(operated).items())]
    assert found[: len(expected.shards)] == [shard.checks for shard in expected.shards]
    assert len(expected.shards) == 2


def shards(operation: Operation, *states: str) -> dict[str, dict[str, Any]]:
    """Returns the newest shard runs in any of these states, by the shard's number."""
    deployment = operation.deployment("shard", "shard")["id"]
    asked = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": states}} if states else None}
    found = operation.ask("POST", "/flow_runs/filter", flow_runs=asked, sort="START_TIME_DESC")
    return {each["name"].split(" shard ")[1][0]: each for each in reversed(found)}


def test_an_interrupted_run_cancels_its_shards(operated: Operation) -> None:
    stack = make_stack(operated, "acme/interrupted", talks="sleep 302")
    process = command_line(operated, stack, "--distribute")
    wait_until(lambda: bool(processes("sleep 302")), limit=60)

    process.send_signal(signal.SIGINT)
    document = ended(process)

    assert (document["exit_code"], document["result"]) == (130, "interrupted")
    assert statuses(document)["talks"][1] == "interrupted"
    wait_until(lambda: not processes("sleep 302"), limit=30)


@pytest.mark.parametrize(
    ("trouble", "flags", "says"),
    [
        ("dirty", (), "1 file here differs from the commit that --distribute would send to workers: check.sh. Commit"),
        ("unpushed", (), "that it was pushed. Push it"),
        ("", ("--publish", "registry.example/x"), "--publish: with --distribute, what is built stays on the workers"),
    ],
)
def test_a_run_that_workers_cannot_do_is_refused(
    operation: Operation, trouble: str, flags: tuple[str, ...], says: str
) -> None:
    stack = make_stack(operation, f"acme/refused-{trouble or 'flags'}")
    if trouble:
        (stack / "check.sh").write_text("exit 1\n")
    if trouble == "unpushed":
        subprocess.run(["git", "-C", stack, "commit", "--quiet", "--all", "--message=x"], check=True)

    document = run(operation, stack, "--distribute", *flags)

    assert (document["exit_code"], document["result"]) == (2, "usage")
    assert says in document["reason"]


def test_distribute_needs_a_shared_prefect_server(operation: Operation) -> None:
    document = run(operation, make_stack(operation, "acme/alone"), "--distribute", PREFECT_API_URL="")

    assert document["exit_code"] == 2
    assert "set PREFECT_API_URL" in document["reason"]


def test_a_result_of_a_check_that_was_planned_differently_is_rejected(operated: Operation) -> None:
    stack = make_stack(operated, "acme/otherwise")

    document = run(operated, stack, "--distribute", PREDEPLOY_LIMITS='{"words": 7}')

    assert document["exit_code"] == 3
    assert {name for name, (status, _) in statuses(document).items() if status != "passed"} == {"words"}
    assert statuses(document)["words"] == ("errored", "shard_plan")
    assert "words ran differently than it was planned" in document["reason"]


def test_a_deployment_s_run_uses_shards_and_cancels_them_with_itself(operated: Operation) -> None:
    make_stack(operated, "acme/deployed", talks="sleep 303")
    given = {"repository": operated.repository("acme/deployed"), "directory": ".", "ref": "main", "distribute": True}

    with worker(operated, "--limit", "1"):
        found = operated.start("on-demand", **given)
        wait_until(lambda: [*operated.checks(found).values()].count("Completed") == 4, limit=60)
        parameters = str([each["parameters"] for each in shards(operated).values()])
        operated.cancel(found)
        ended = operated.wait(found)

    assert ended["state_type"] == "CANCELLED"
    wait_until(lambda: not shards(operated, *OPEN) and not processes("sleep 303"), limit=30)
    assert ended["tags"][-1].removeprefix("commit:") in parameters
    assert SECRET not in parameters


def test_shards_end_by_themselves_after_their_run_was_killed(operated: Operation) -> None:
    stack = make_stack(operated, "acme/orphans", talks="sleep 304")
    process = command_line(operated, stack, "--distribute")
    wait_until(lambda: bool(processes("sleep 304")), limit=60)

    process.kill()
    process.communicate()

    wait_until(lambda: not shards(operated, *OPEN) and not processes("sleep 304"), limit=LOST + 20)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_killed_worker_loses_only_its_own_checks(operated: Operation, workers: list[subprocess.Popen[bytes]]) -> None:
    stack = make_stack(operated, "acme/killed-worker", talks="sleep 301")
    process = command_line(operated, stack, "--distribute")
    wait_until(lambda: bool(processes("sleep 301")), limit=60)
    run_id = shards(operated, "RUNNING")["1"]["id"]
    pid = processes(f"PREFECT__FLOW_RUN_ID={run_id}", "environ")[0]
    (dying,) = (each for each in workers if each.pid == parent_of(pid))
    wait_until(lambda: shards(operated)["2"]["state_type"] == "COMPLETED", limit=60)

    os.kill(dying.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    document = ended(process)

    assert (document["exit_code"], document["result"]) == (3, "errored")
    assert statuses(document) == {
        "compile": ("passed", ""),
        "words": ("passed", ""),
        "types": ("passed", ""),
        "starts": ("passed", ""),
        "talks": ("errored", "shard_lost"),
    }
    assert f"shard 1 of 2: the shard gave no sign of life for {LOST} s" in document["reason"]
    assert operated.run(run_id)["state_name"] == "Lost"
    wait_until(lambda: not processes("sleep 301"), limit=30)
