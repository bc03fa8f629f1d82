"""The wrapper in a real shell: what it records of how a command ended. Its places are moved into a folder."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.engines.dagger.wrapper import NO_VARIABLES, RECORD, SERVED, Record, read_record, serve, wrap


def run(
    folder: Path,
    *argv: str,
    limit: float = 10,
    server: tuple[str, ...] = (),
    variables: Mapping[str, str] = NO_VARIABLES,
) -> Record:
    def moved(words: list[str]) -> list[str]:
        return [word.replace(RECORD, f"{folder}/record").replace(SERVED, f"{folder}/served") for word in words]

    (folder / "served").mkdir(exist_ok=True)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PREDEPLOY_RUN": "this-run"}
    beside = subprocess.Popen(moved(serve(server, variables)), env=env, start_new_session=True) if server else None
    try:
        done = subprocess.run(
            moved(wrap(argv, limit, variables=variables, beside_server=bool(server))), env=env, check=False, timeout=30
        )
    finally:
        if beside is not None:
            subprocess.run(["kill", "--", f"-{beside.pid}"], check=False)
            beside.wait()
    assert done.returncode == 0
    return read_record((folder / "record/exit").read_text())


@pytest.mark.parametrize("code", [0, 3, 127])
def test_the_code_is_recorded_with_the_run(tmp_path: Path, code: int) -> None:
    record = run(tmp_path, "sh", "-c", f"exit {code}")

    assert (record.run, record.code, record.server) == ("this-run", code, None)


@pytest.mark.parametrize("value", ["", "plain", "a b'c\"d", "two\nlines", "$HOME `id` \\", "=x=", "größe"])
def test_variables_arrive_as_they_are(tmp_path: Path, value: str) -> None:
    program = "import os, sys; sys.exit({os.environ[name] for name in ('GIVEN', 'A.B')} != {sys.argv[1]})"

    assert run(tmp_path, sys.executable, "-c", program, value, variables={"GIVEN": value, "A.B": value}).code == 0


def test_a_server_has_its_variables(tmp_path: Path) -> None:
    record = run(tmp_path, "sleep", "60", server=("sh", "-c", 'echo "$GIVEN"; exit 5'), variables={"GIVEN": "it is"})

    assert record.output == "it is\n"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    assert run(tmp_path, "no-such-program").code == 127


def test_the_limit(tmp_path: Path) -> None:
    record = run(tmp_path, "sleep", "60", limit=0.3)

    assert record.code == 124
    assert record.seconds >= 0.3


def test_a_signal(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "kill -SEGV $$").code == 139


def test_a_server_that_ends_ends_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = run(tmp_path, "sleep", "60", server=("sh", "-c", "echo bye; exit 5"))

    assert (record.stopped, record.server, record.output) == (True, 5, "bye\n")
    assert capfd.readouterr() == ("", "")  # what a shell says of it would be taken for the command's own words


def test_a_server_that_lives_is_left_alone(tmp_path: Path) -> None:
    record = run(tmp_path, "sh", "-c", "sleep 0.3; exit 4", server=("sh", "-c", "echo up; sleep 30"))

    assert (record.stopped, record.server, record.code, record.output) == (False, None, 4, "up\n")


def test_a_clock_without_fractions() -> None:
    assert read_record("run 10.%N 12.N 0 0 -\n").seconds == 2.0


def test_something_else_is_no_record() -> None:
    with pytest.raises(ValueError, match="unpack"):
        read_record("nothing of ours")
