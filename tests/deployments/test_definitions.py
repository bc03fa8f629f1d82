"""The deployments as data, and the commands that create them and start workers."""

import contextlib
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deployments import deploy
from deployments.definitions import on_other_pool, pools_of, read_variables, with_stack
from deployments.worker import arguments_for_prefect
from tasks.errors import UsageError
from tests.support.forked import ForkedProcess, fork_server
from tests.support.validate import ROOT

DOCUMENT: dict[str, Any] = {
    "pull": ["own"],
    "deployments": [
        {
            "name": "nightly",
            "work_pool": {"name": "local"},
            "parameters": {"repository": ".", "directory": "examples/cafe", "gate": True},
        },
        {"name": "on-push", "work_pool": {"name": "local"}},
        {"name": "shard", "work_pool": {"name": "shards"}},
    ],
}
DIFFERENCE: dict[str, Any] = {
    "moves": "local",
    "work_pool": {"name": "docker"},
    "stack": {"repository": "https://git.example/cafe.git", "directory": "."},
    "sections": {"pull": ["image"]},
    "variables": {"NAMED": None, "SPARE": "usual"},
}


def test_a_stack_is_named_where_one_was_named() -> None:
    named = with_stack(DOCUMENT, {"repository": "https://git.example/cafe.git", "directory": "web"})["deployments"]

    assert named[0]["parameters"] == {
        "repository": "https://git.example/cafe.git",
        "directory": "web",
        "gate": True,
    }
    assert named[1:] == DOCUMENT["deployments"][1:]
    assert DOCUMENT["deployments"][0]["parameters"]["repository"] == "."


def test_deployments_of_one_pool_move_to_another() -> None:
    moved = on_other_pool(DOCUMENT, DIFFERENCE)

    assert [(each["name"], each["work_pool"]["name"]) for each in moved["deployments"]] == [
        ("nightly", "docker"),
        ("on-push", "docker"),
    ]
    assert moved["deployments"][0]["parameters"] == {**DIFFERENCE["stack"], "gate": True}
    assert moved["pull"] == ["image"]
    assert (pools_of(DOCUMENT), pools_of(moved)) == (["local", "shards"], ["docker"])


def test_a_variable_has_its_value_or_its_default() -> None:
    assert read_variables(DIFFERENCE, {"NAMED": "x", "SPARE": ""}) == {"NAMED": "x", "SPARE": "usual"}
    with pytest.raises(UsageError, match="NAMED: set it"):
        read_variables(DIFFERENCE, {"NAMED": ""})


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--directory", "web"), "--directory needs the repository that contains it"),
        (("--docker", "--repository", "https://git.example/cafe.git"), "PREDEPLOY_DOCKER_STACK names the repository"),
        (("--docker",), "PREDEPLOY_DOCKER_STACK: set it to the URL"),
    ],
)
def test_flags_that_do_not_fit_are_wrong_usage(
    flags: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(flags, {}) == 2
    assert says in capsys.readouterr().err


def test_an_installed_package_builds_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deploy, "HERE", tmp_path)

    assert deploy.main(["--docker"], {"PREDEPLOY_DOCKER_STACK": "https://git.example/cafe.git"}) == 2
    assert "use a checkout of predeploy" in capsys.readouterr().err


def test_an_installed_package_needs_the_repository_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = deploy.read(ROOT / "prefect.yaml")
    deploy.require_stacks(document)

    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    deploy.require_stacks(with_stack(document, DIFFERENCE["stack"]))
    with pytest.raises(UsageError, match=r"nightly: an installed package has no sample stack.*--repository URL"):
        deploy.require_stacks(document)


def test_summary_names_what_exists_and_the_next_command() -> None:
    document = deploy.read(ROOT / "prefect.yaml")

    installed = deploy.summary(document, "http://server/api", {"PREDEPLOY_CALLED_AS": "predeploy"})
    checkout = deploy.summary(document, "http://server/api", {"PREDEPLOY_CALLED_AS": "./just pre-deploy"})

    assert installed.splitlines() == [
        "Created or updated on http://server/api:",
        "  deployments: validate/nightly, validate/on-push, validate/on-demand, maintain/maintain, shard/shard",
        "  work pools: local, shards",
        "Next, on each machine that validates: predeploy worker",
        "For --distribute, also: predeploy worker shards",
    ]
    assert "machine that validates: ./just worker\n" in checkout
    tag = deploy.summary(document, "x", {"PREDEPLOY_PYTHON_IMAGE": "python:3.13"}).splitlines()[-1]
    assert tag == "PREDEPLOY_PYTHON_IMAGE=python:3.13 is a tag, which can change. Pin it: NAME@sha256:DIGEST"


def test_on_demand_runs_keep_no_directory_of_the_sample() -> None:
    document = deploy.read(ROOT / "prefect.yaml")
    given = {"repository": "https://git.example/cafe.git", "directory": "web"}

    def parameters(document: Any) -> Any:
        return next(each for each in document["deployments"] if each["name"] == "on-demand")["parameters"]

    assert parameters(document) == {"directory": "."}
    assert parameters(with_stack(document, given)) == given


def answering(status: int) -> ThreadingHTTPServer:
    """Starts a server on loopback that answers everything with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the library calls this name

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize("program", ["deploy", "worker"])
@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, 2, "refuses the credentials (401). Set PREFECT_API_AUTH_STRING"),
        (404, 3, "answers with 404. Correct PREFECT_API_URL, which ends with /api"),
        (0, 3, "cannot be reached"),
    ],
)
def test_server_that_cannot_be_used_is_one_line(
    tmp_path: Path, program: str, status: int, code: int, says: str
) -> None:
    with contextlib.ExitStack() as opened:
        port = 9
        if status:
            server = opened.enter_context(answering(status))
            opened.callback(server.shutdown)
            port = server.server_address[1]
        flags = ["--repository", "https://git.example/cafe.git"] if program == "deploy" else []
        process = ForkedProcess(
            [program, *flags],
            environ={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            },
            cwd=tmp_path,
            server=partial(fork_server, "--prefect"),
        )
        stdout, stderr = (stream.decode() for stream in process.communicate(timeout=60))

    assert process.wait() == code, stderr
    assert says in stderr
    assert len(stderr.splitlines()) == 1
    assert stdout == ""


def test_without_a_server_nothing_is_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main([], {}) == 2
    assert "PREFECT_API_URL is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ["--pool", "local"]),
        (("shards", "--limit", "1"), ["--pool", "shards", "--limit", "1"]),
        (("--limit", "1"), ["--pool", "local", "--limit", "1"]),
        (("--pool", "mine"), ["--pool", "mine"]),
        (("--help",), ["--help"]),
    ],
)
def test_the_pool_of_a_worker_may_come_first(given: tuple[str, ...], expected: list[str]) -> None:
    assert arguments_for_prefect(given) == expected


def test_the_runs_of_a_worker_inherit_the_token(tmp_path: Path) -> None:
    """The wrapper `just` hands the token on as an open file, which no process inherits from a worker."""
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect/__init__.py").touch()
    child = "import os; print(os.environ.get('DOPPLER_TOKEN'), os.environ.get('PREDEPLOY_TOKEN_FD'))"
    program = (
        f"import subprocess, sys\nprint(sys.argv[1:], flush=True)\nsubprocess.run([sys.executable, '-c', {child!r}])"
    )
    (tmp_path / "prefect/__main__.py").write_text(program)
    reader, writer = os.pipe()
    os.write(writer, b"dp.st.c4n4ry\n")
    os.close(writer)

    done = subprocess.run(
        [sys.executable, "-P", "-m", "deployments.worker", "shards"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{ROOT}", "PREDEPLOY_TOKEN_FD": str(reader)},
        pass_fds=(reader,),
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(reader)

    assert done.stdout.splitlines() == ["['worker', 'start', '--pool', 'shards']", "dp.st.c4n4ry None"]
