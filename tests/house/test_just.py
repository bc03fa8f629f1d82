"""The wrapper `./just` on machines with few programs, some of which are broken."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("cat", "cmp", "date", "find", "head", "mkdir", "mkfifo", "mktemp", "mv", "rm", "sed", "sh")
PYTHON = os.path.realpath(sys.executable)
KEPT = re.compile(r"(PIP|UV|SSL)_\w+|\w+_CA_BUNDLE|(https?|no|all)_proxy", re.IGNORECASE)
# A proxy that refuses every connection: no program listens on port 9 (discard).
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
RECIPES = """
set positional-arguments

say *args:
    @printf '<%s>' "$@"

where:
    @pwd
"""

WORKS = f'exec "{PYTHON}" "$@"'
FAILS = "exit 1"
SHIM = "echo 'pyenv: command not found' >&2; exit 127"
OLD = "echo 'is Python 3.9.2, too old'; exit 1"


def lacking(*modules: str) -> str:
    """Returns a script for a Python without these modules, which some distributions package separately."""
    hide = "; ".join(f"sys.modules['{module}'] = None" for module in modules)
    return f'[ "$1$2" = -I-c ] || exit 9\nexec "{PYTHON}" -I -c "import sys; {hide}; exec(sys.argv[1])" "$3"'


# pip takes two seconds to install uv: tests that are not about pip have uv already
UV_ALONE = {"python3": lacking("ensurepip", "pip"), "uv": f'exec "{Path(sys.executable).parent}/uv" "$@"'}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A checkout on a machine whose PATH has a few tools and the programs that a test adds."""

    checkout: Path
    bin: Path
    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def venv(self) -> Path:
        return self.checkout / ".venv"

    def has(self, **programs: str) -> None:
        for name, script in programs.items():
            program = self.bin / name.replace("python3_", "python3.")
            program.unlink(missing_ok=True)
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    def lacks_pythons(self) -> None:
        for program in self.bin.glob("python*"):
            program.unlink()

    def start(
        self, *words: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        process = subprocess.Popen(
            [str(self.checkout / "just"), *words],
            cwd=cwd or self.checkout,
            env={**kept, "PATH": str(self.bin), "HOME": str(self.home), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def just(
        self, *words: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        process = self.start(*words, cwd=cwd, environ=environ)
        stdout, stderr = process.communicate(timeout=120)
        return process.returncode, stdout, stderr


@pytest.fixture
def machine(tmp_path: Path, shared_home: Path) -> Iterator[Machine]:
    checkout = tmp_path / "a checkout with 'spaces'"
    checkout.mkdir()
    shutil.copy2(ROOT / "just", checkout)
    (checkout / "justfile").write_text(RECIPES)
    lock = (ROOT / "requirements-dev.lock").read_text()
    few = re.findall(r"^(?:uv|rust-just)==.*(?:\n .*)+", lock, re.MULTILINE)
    (checkout / "requirements-dev.lock").write_text("\n".join(few) + "\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    machine = Machine(checkout=checkout, bin=programs, home=shared_home)
    yield machine
    for process in machine.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class TestTrouble:
    def test_no_python_at_all(self, machine: Machine) -> None:
        code, stdout, stderr = machine.just("say")

        assert (code, stdout) == (3, "")
        assert "Tried: nothing, because PATH has no Python." in stderr
        assert "apt install python3 python3-venv" in stderr
        assert not machine.venv.exists()

    def test_every_python_is_named_with_what_it_lacks(self, machine: Machine) -> None:
        machine.has(python3_13=SHIM, python3_12=FAILS, python3_11=lacking("venv"), python3=OLD)
        machine.has(python=lacking("ensurepip", "pip"))
        code, _, stderr = machine.just("say")

        assert code == 3
        tried = [line.strip().removeprefix(f"{machine.bin}/") for line in stderr.splitlines() if line.startswith("  ")]
        version = ".".join(map(str, sys.version_info[:3]))
        assert tried == [
            "python3.13 does not run",
            "python3.12 does not run",
            f"python3.11 is Python {version} without the module venv",
            "python3 is Python 3.9.2, too old",
            "python has neither ensurepip nor pip (on Debian and Ubuntu: apt install python3-venv)",
        ]

    def test_requested_python_is_not_replaced_by_another(self, machine: Machine) -> None:
        machine.has(python3=WORKS, mine=FAILS)
        code, _, stderr = machine.just("say", environ={"PREDEPLOY_PYTHON": "mine"})

        assert code == 3
        assert f"{machine.bin}/mine does not run" in stderr

    def test_a_home_that_cannot_be_written(self, machine: Machine) -> None:
        machine.has(python3=WORKS)
        code, _, stderr = machine.just("say", environ={"HOME": "/dev/null"})

        assert code == 3
        assert "cannot write /dev/null/.cache/uv, the cache for downloaded packages: set HOME or UV_CACHE_DIR" in stderr

    def test_missing_lock(self, machine: Machine) -> None:
        (machine.checkout / "requirements-dev.lock").unlink()
        code, _, stderr = machine.just("say")

        assert code == 3
        assert f"no requirements-dev.lock in {machine.checkout}" in stderr

    def test_no_network(self, machine: Machine) -> None:
        machine.has(python3=WORKS)
        code, stdout, stderr = machine.just("say", environ={**NO_NETWORK, "PIP_RETRIES": "0", "PIP_FIND_LINKS": ""})

        assert (code, stdout) == (3, "")
        assert "uv could not be installed into .venv (see above). Check access to the package registries" in stderr


@pytest.mark.real
@pytest.mark.network
class TestInstall:
    def test_broken_pythons_are_skipped_and_the_next_call_needs_no_python_or_network(self, machine: Machine) -> None:
        machine.has(python3_13=SHIM, python3_12=lacking("venv"), python3=WORKS)
        first = machine.just("say", "a b", "", "$HOME", "*", "it's")

        assert first[:2] == (0, "<a b><><$HOME><*><it's>")
        assert f"({PYTHON})" in first[2]
        assert "just: ready after" in first[2]

        machine.lacks_pythons()
        elsewhere = machine.just("where", cwd=machine.home, environ=NO_NETWORK)

        assert elsewhere == (0, f"{machine.checkout}\n", "")
        assert sorted(path.name for path in machine.checkout.iterdir()) == [
            ".venv",
            "just",
            "justfile",
            "requirements-dev.lock",
        ]

    def test_working_python_after_a_broken_one_on_path_is_found(self, machine: Machine, tmp_path: Path) -> None:
        machine.has(**UV_ALONE)
        shims = tmp_path / "shims"
        shims.mkdir()
        (shims / "python3").write_text(f"#!/bin/sh\n{SHIM}\n")
        (shims / "python3").chmod(0o755)
        code, stdout, _ = machine.just("say", "x", environ={"PATH": f"{shims}:{machine.bin}"})

        assert (code, stdout) == (0, "<x>")

    def test_uv_replaces_a_missing_pip(self, machine: Machine) -> None:
        machine.has(**UV_ALONE)
        code, stdout, stderr = machine.just("say", "x")

        assert (code, stdout) == (0, "<x>"), stderr

    def test_installed_pip_replaces_ensurepip(self, machine: Machine) -> None:
        if subprocess.run([PYTHON, "-I", "-c", "import pip"], check=False, stderr=subprocess.DEVNULL).returncode:
            pytest.skip(f"{PYTHON} has no pip of its own")
        machine.has(python3=lacking("ensurepip"))
        code, stdout, stderr = machine.just("say", "x")

        assert (code, stdout) == (0, "<x>"), stderr

    def test_concurrent_calls_create_one_environment(self, machine: Machine) -> None:
        machine.has(**UV_ALONE)
        processes = [machine.start("say", str(number)) for number in range(3)]
        answers = [(process.communicate(timeout=120), process.returncode) for process in processes]

        assert [(code, stdout) for (stdout, _), code in answers] == [(0, "<0>"), (0, "<1>"), (0, "<2>")]
        assert sum("creating .venv from" in stderr for (_, stderr), _ in answers) == 1

    @pytest.mark.parametrize("moment", ["bin/python", "wanted.txt"])
    def test_interrupted_installation_is_repeated(self, machine: Machine, moment: str) -> None:
        machine.has(**UV_ALONE)
        process = machine.start("say")
        deadline = time.monotonic() + 60
        while not (machine.venv / moment).exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (machine.venv / "installed.txt").exists()

        code, stdout, stderr = machine.just("say", "x")
        assert (code, stdout) == (0, "<x>"), stderr
        assert "creating .venv" in stderr

    def test_changed_lock_or_interpreter_or_location_is_detected(self, machine: Machine, tmp_path: Path) -> None:
        machine.has(**UV_ALONE)
        machine.just("say")

        lock = machine.checkout / "requirements-dev.lock"
        lock.write_text(f"# again\n{lock.read_text()}")
        assert "requirements-dev.lock has changed, updating .venv" in machine.just("say")[2]
        assert machine.just("say") == (0, "<>", "")

        (machine.venv / "bin/python").unlink()
        (machine.venv / "bin/python").symlink_to(tmp_path / "vanished")
        assert "creating .venv" in machine.just("say")[2]
        assert machine.just("say") == (0, "<>", "")

        moved = Machine(checkout=machine.checkout.rename(tmp_path / "moved"), bin=machine.bin, home=machine.home)
        assert "creating .venv" in moved.just("say")[2]
        assert moved.just("say") == (0, "<>", "")


SEES = """
import os, stat, sys
descriptor = int(os.environ["PREDEPLOY_TOKEN_FD"])
print(stat.S_ISFIFO(os.fstat(descriptor).st_mode), "DOPPLER_TOKEN" in os.environ)
again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
print(os.fdopen(descriptor, "rb").read().decode().strip())
print(os.read(again, 99))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_token_is_passed_in_a_pipe_and_can_be_read_once(shell: str, tmp_path: Path) -> None:
    if not (program := shutil.which(shell)):
        pytest.skip(f"there is no {shell}")
    checkout, temp = tmp_path / "checkout", tmp_path / "temp"
    binaries = checkout / ".venv/bin"
    binaries.mkdir(parents=True)
    temp.mkdir()
    shutil.copy2(ROOT / "just", checkout)
    (checkout / "requirements-dev.lock").touch()
    header = f"# environment 1\n# checkout {checkout.resolve()}\n# asked for python on PATH\n"
    (checkout / ".venv/installed.txt").write_text(header)
    (binaries / "python").symlink_to(PYTHON)
    (binaries / "sees.py").write_text(SEES)
    (binaries / "just").write_text(f'#!/bin/sh\nexec "{PYTHON}" -I "{binaries}/sees.py"\n')
    (binaries / "just").chmod(0o755)
    # with this compatibility level, bash uses files for here-documents
    environ = {"PATH": os.environ["PATH"], "BASH_COMPAT": "5.0", "DOPPLER_TOKEN": "dp.st.c4n4ry", "TMPDIR": str(temp)}

    argv = [program, str(checkout / "just")]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=30)

    assert done.stdout.splitlines() == ["True False", "dp.st.c4n4ry", "b''"], done.stderr
    assert not [*temp.iterdir()]
