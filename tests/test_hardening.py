"""The places in which the children of a process can find the token."""

import os
import shlex
import subprocess
import sys

import pytest

from tasks.hardening import Exposure, exposure_of, holders, value_holders
from tests.support.validate import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

TOKEN = "dp.st.dev.c4n4ryT0ken"
NOBODY = 65534
TAKES = """
import ctypes, os, sys
from tasks.hardening import hide, take_token_and_close_memory
if user := int(sys.argv[1]):
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    # as after every exec: a change of the user alone closes a process, too
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)

def look():
    sys.stdout.flush()
    if child := os.fork():
        return os.waitpid(child, 0)
    for name in ("environ", "mem", "maps"):
        try:
            with open(f"/proc/{os.getppid()}/{name}", "rb") as file:
                print(name, "shows it" if name == "environ" and b"c4n4ry" in file.read() else "is open")
        except OSError as error:
            print(name, "is closed" if isinstance(error, PermissionError) else error)
    sys.stdout.flush()
    os._exit(0)

look()
token = take_token_and_close_memory()
hide(["GIVEN"])
print(token, *sorted(os.environ.keys() & {"DOPPLER_TOKEN", "GIVEN", "KEPT", "PREDEPLOY_TOKEN_FD"}))
look()
"""


def taken(environ: dict[str, str], user: int = 0, pass_fds: tuple[int, ...] = ()) -> list[str]:
    """The output of a process that takes its token. Its child looks for the token before and after."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-c", TAKES, str(user)]
    done = subprocess.run(argv, env={**path, **environ}, capture_output=True, text=True, check=False, pass_fds=pass_fds)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("user", [NOBODY, 0])
def test_child_process_does_not_find_the_token(user: int) -> None:
    environ = {"DOPPLER_TOKEN": TOKEN, "GIVEN": f"c4n4ry-{TOKEN}", "KEPT": "plain"}

    lines = taken(environ, user)

    assert lines[:4] == ["environ shows it", "mem is open", "maps is open", f"{TOKEN} KEPT"]
    if user == 0:  # root can read all files, but the environment has no token for root either
        assert lines[4:] == ["environ is open", "mem is open", "maps is open"]
    else:
        assert lines[4:] == ["environ is closed", "mem is closed", "maps is closed"]


def test_token_can_come_through_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, f"{TOKEN}\n".encode())
    os.close(writer)

    lines = taken({"PREDEPLOY_TOKEN_FD": str(reader)}, pass_fds=(reader,))
    os.close(reader)

    assert lines[3].split() == [TOKEN]


@pytest.mark.parametrize("descriptor", ["", "77", "x", "-1"])
def test_invalid_descriptor_gives_no_token(descriptor: str) -> None:
    lines = taken({"PREDEPLOY_TOKEN_FD": descriptor})

    assert lines[3].split() == ["None"]


def test_parent_processes_that_show_the_token_are_named() -> None:
    program = "from tasks import hardening as h; print(h.exposure_of(h.take_token_and_close_memory()).holders)"
    line = shlex.join([sys.executable, "-c", program]) + "; true"
    environ = {**os.environ, "DOPPLER_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}

    shown = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False)

    assert shown.stdout.strip() == "('sh',)", shown.stderr


def test_without_a_token_no_exposure_is_reported() -> None:
    assert exposure_of(None).notes("local") == ()
    assert not [*holders(b"a text that stands in no environment")]


def test_containers_do_not_see_processes_of_the_host() -> None:
    exposed = Exposure(is_held=True, holders=("just",))

    assert exposed.notes("dagger") == ()
    assert "from the environment of just" in exposed.notes("local")[-1]
    assert any("this run is root's" in note for note in exposed.notes("local")) is (os.geteuid() == 0)


def test_parent_processes_that_show_values_are_named_with_the_names() -> None:
    program = "from tasks import hardening as h; print(h.value_holders({'KEY': 'c4n4ry', 'OTHER': 'c4n4ry'}))"
    line = shlex.join([sys.executable, "-c", program]) + "; true"
    environ = {**os.environ, "KEY": "c4n4ry", "PYTHONPATH": str(ROOT)}

    shown = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False)

    assert shown.stdout.strip() == "{'KEY': ('sh',)}", shown.stderr
    assert value_holders({"KEY": "c4n4ry-that-no-process-has", "EMPTY": ""}) == {}


def test_values_above_the_run_are_reported_for_the_embedded_engine() -> None:
    exposed = Exposure(values={"B": ("just", "sh"), "A": ("just", "sh"), "C": ("make",)})

    assert exposed.notes("dagger") == ()
    first, second = exposed.notes("local")
    assert first.startswith("A, B: each check of the embedded engine can read it from the environment of just, sh.")
    assert second.startswith("C: each check of the embedded engine can read it from the environment of make.")
