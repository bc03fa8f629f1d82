"""The wrapper in a real shell: its record of a command's end. Its paths are moved into a temporary directory."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.engines.dagger.paths import SERVED
from tasks.engines.dagger.wrapper import NO_VARIABLES, OUTPUT_BYTES, RECORD, CommandRecord, read_record, serve, wrap
from tasks.exits import ServiceExit


def run(
    folder: Path,
    *argv: str,
    limit: float = 10,
    servers: Mapping[str, tuple[str, ...]] | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
    file_bytes: int | None = None,
    spare_bytes: int | None = None,
    programs: str = "",
    disk_of: str = "command",
) -> CommandRecord:
    def moved(words: list[str]) -> list[str]:
        return [word.replace(RECORD, f"{folder}/record").replace(SERVED, f"{folder}/served") for word in words]

    env = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "PREDEPLOY_RUN": "this-run"}
    servers_started = []
    for name, server in (servers or {}).items():
        (folder / "served" / name).mkdir(parents=True)
        words = moved(serve(name, server, variables, spare_bytes=spare_bytes if disk_of == "server" else None))
        servers_started.append(subprocess.Popen(words, env=env, start_new_session=True))
    try:
        options = {"file_bytes": file_bytes, "spare_bytes": spare_bytes if disk_of == "command" else None}
        words = moved(wrap(argv, limit, list(servers or ()), variables=variables, **options))
        done = subprocess.run(words, env=env, check=False, timeout=30)
    finally:
        for process in servers_started:
            subprocess.run(["kill", "--", f"-{process.pid}"], check=False)
            process.wait()
    assert done.returncode == 0
    return read_record((folder / "record/exit").read_text())


def service_exit(name: str, code: int | None, output: str) -> ServiceExit:
    return ServiceExit(name=name, code=code, signal=None, output=output)


@pytest.mark.parametrize("code", [0, 3, 127])
def test_the_code_is_recorded_with_the_run(tmp_path: Path, code: int) -> None:
    record = run(tmp_path, "sh", "-c", f"exit {code}")

    assert (record.run, record.code, record.servers) == ("this-run", code, ())


def test_output_reaches_the_files_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The engine's log mixes both streams, so a secret in it may be cut in two and stay unmasked."""
    run(tmp_path, "sh", "-c", "printf out; printf err >&2")

    assert capfd.readouterr() == ("", "")
    assert [(tmp_path / "record" / name).read_text() for name in ("stdout", "stderr")] == ["out", "err"]


def test_the_end_of_a_large_output_is_kept(tmp_path: Path) -> None:
    run(tmp_path, "sh", "-c", f"head -c {OUTPUT_BYTES} /dev/zero; printf end")

    output = tmp_path / "record/stdout"
    assert output.stat().st_size == OUTPUT_BYTES
    assert output.read_bytes()[-3:] == b"end"


def test_processor_time_of_a_command_is_recorded(tmp_path: Path) -> None:
    busy = run(tmp_path, sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass")

    assert busy.cpu is not None
    assert 0.4 < busy.cpu < 5


@pytest.mark.parametrize("value", ["", "plain", "a b'c\"d", "two\nlines", "$HOME `id` \\", "=x=", "größe"])
def test_variables_arrive_unchanged(tmp_path: Path, value: str) -> None:
    program = "import os, sys; sys.exit({os.environ[name] for name in ('GIVEN', 'A.B')} != {sys.argv[1]})"

    assert run(tmp_path, sys.executable, "-c", program, value, variables={"GIVEN": value, "A.B": value}).code == 0


def test_last_output_of_a_server_is_recorded_for_a_failed_command(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f"while ! [ -e {gone} ]; do sleep 0.01; done; sleep 0.1; echo why; exit 7"
    record = run(tmp_path, "sh", "-c", f"touch {gone}; exit 1", servers={"server": ("sh", "-c", script)})

    assert record.code == 1
    assert record.servers == (service_exit("server", 7, "why"),)


def test_server_gets_its_variables(tmp_path: Path) -> None:
    servers = {"server": ("sh", "-c", 'echo "$GIVEN"; exit 5')}
    record = run(tmp_path, "sleep", "60", servers=servers, variables={"GIVEN": "it is"})

    assert [each.output.strip() for each in record.servers] == ["it is"]


def test_missing_program_is_recorded(tmp_path: Path) -> None:
    assert run(tmp_path, "no-such-program").code == 127


@pytest.mark.parametrize(("file_bytes", "codes"), [(None, {0}), (1 << 20, {1, 153})])
def test_size_of_a_file_is_limited(tmp_path: Path, file_bytes: int | None, codes: set[int]) -> None:
    record = run(tmp_path, "sh", "-c", f"exec head -c 3000000 /dev/zero >{tmp_path}/large", file_bytes=file_bytes)

    assert record.code in codes
    assert (tmp_path / "large").stat().st_size == (3_000_000 if file_bytes is None else file_bytes)


@pytest.mark.parametrize(
    ("left", "argv", "expected"),
    [
        (3_000_000, "sleep 1", (0, False)),
        (1_000_000, "sleep 9", (143, True)),
    ],
)
def test_command_is_stopped_before_the_disk_is_full(
    tmp_path: Path, left: int, argv: str, expected: tuple[int, bool]
) -> None:
    """An untrusted run has to leave two GB."""
    record = run(tmp_path, "sh", "-c", argv, spare_bytes=2 << 30, programs=disk_with(tmp_path / "bin", left))

    assert (record.code, record.is_disk_full) == expected
    assert record.seconds < 9


@pytest.mark.parametrize(("left", "is_full"), [(3_000_000, False), (1_000_000, True)])
def test_server_is_stopped_before_the_disk_is_full(tmp_path: Path, left: int, *, is_full: bool) -> None:
    """The check gets no verdict: that its server ended is not the fault of the code."""
    record = run(
        tmp_path,
        *("sleep", "3"),
        servers={"server": ("sleep", "60")},
        spare_bytes=2 << 30,
        programs=disk_with(tmp_path / "bin", left),
        disk_of="server",
    )

    assert (record.is_disk_full, record.stopped) == (is_full, False)
    assert record.servers[0].code == (137 if is_full else None)


@pytest.mark.parametrize(("left", "code", "is_full"), [(900, 1, True), (900, 0, False), (3_000_000, 1, False)])
def test_failure_with_a_full_disk_is_recorded(tmp_path: Path, left: int, code: int, *, is_full: bool) -> None:
    record = run(tmp_path, "sh", "-c", f"exit {code}", programs=disk_with(tmp_path / "bin", left))

    assert (record.code, record.is_disk_full) == (code, is_full)


def disk_with(folder: Path, left: int) -> str:
    """A directory with a `df` that reports so many free kilobytes."""
    folder.mkdir()
    lines = f"Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay   9000000  5  {left}  60% /"
    (folder / "df").write_text(f"#!/bin/sh\necho '{lines}'\n")
    (folder / "df").chmod(0o755)
    return str(folder)


def test_limit_is_recorded(tmp_path: Path) -> None:
    record = run(tmp_path, "sleep", "60", limit=0.3)

    assert record.code == 124
    assert record.seconds >= 0.3


def test_signal_is_recorded(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "kill -SEGV $$").code == 139


def test_a_server_that_ends_ends_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = run(tmp_path, "sleep", "60", servers={"server": ("sh", "-c", "echo bye; exit 5")})

    assert (record.stopped, record.servers) == (True, (service_exit("server", 5, "bye"),))
    assert capfd.readouterr() == ("", "")  # the shell's message about it would look like the command's own output


def test_running_server_is_not_ended(tmp_path: Path) -> None:
    record = run(tmp_path, "sh", "-c", "sleep 0.3; exit 4", servers={"server": ("sh", "-c", "echo up; sleep 30")})

    assert (record.stopped, record.code, record.servers) == (False, 4, (service_exit("server", None, "up"),))


def test_each_of_several_servers_is_recorded_by_name(tmp_path: Path) -> None:
    lives, ends = ("sh", "-c", "printf 'one\\n\\nrun two'; sleep 30"), ("sh", "-c", "exit 3")
    record = run(tmp_path, "sleep", "60", servers={"first": lives, "second": ends})

    assert record.stopped
    assert record.servers == (service_exit("first", None, "one\n\nrun two"), service_exit("second", 3, ""))


def test_clock_without_fractions_is_accepted() -> None:
    assert read_record("run 10.%N 12.N 0 0\n").seconds == 2.0


def test_other_text_is_no_record() -> None:
    with pytest.raises(ValueError, match="unpack"):
        read_record("nothing of ours")
