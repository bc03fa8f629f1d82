"""Commands for operators: another program replaces the process, in predeploy's own directory."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from flows.cli.declarations import PROGRAMS
from flows.cli.information import OWN_HELP
from flows.cli.invocation import Caller as Invocation
from flows.cli.operate import start_program
from tasks.hardening import NOTHING_EXPOSED
from tasks.secrets.doppler.token import read_token
from tests.cli.caller import ROOT, Caller

TOKEN = "dp.st.c4n4ry0123456789"


class Started(Exception):  # noqa: N818 - it reports no error
    """Carries the arguments of the program that would have replaced the process."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.argv, self.environ, self.cwd = argv, environ, Path.cwd()


@pytest.fixture(autouse=True)
def _no_other_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def execve(_: str, argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
        raise Started(argv, environ)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execve", execve)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_replaces_the_process_in_the_directory_of_predeploy(name: str) -> None:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": "/somewhere", "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    invocation = Invocation(environ=given, token=read_token(TOKEN), exposure=NOTHING_EXPOSED, load_flow=object)

    with pytest.raises(Started) as caught:
        start_program(name, ["--flag", "value"], invocation)

    started = caught.value
    assert started.argv == [sys.executable, "-P", "-m", f"deployments.{name}", "--flag", "value"]
    assert started.cwd == ROOT
    # only the worker's runs need the token
    token = {"DOPPLER_TOKEN": TOKEN} if name == "worker" else {}
    assert started.environ == {**given, "PYTHONPATH": str(ROOT), **token}


def test_exit_code_is_that_of_the_program(caller: Caller) -> None:
    ended = caller.run("deploy", "--directory", "web")

    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == "--directory needs the repository that contains it: add --repository URL\n"


@pytest.mark.parametrize("name", ["deploy", "webhook"])
def test_program_prints_its_own_help(caller: Caller, name: str) -> None:
    ended = caller.run(name, "--help")

    assert ended.code == 0, ended.transcript
    assert ended.stdout.startswith(f"usage: predeploy {name} ")


def test_every_program_prints_its_own_help() -> None:
    assert set(PROGRAMS) == OWN_HELP
