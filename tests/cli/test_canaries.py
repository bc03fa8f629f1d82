"""A run in which every secret is a canary: no output, file or other process of the run shows one."""

import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.cli.caller import Caller, wait_for
from tests.cli.stack import make_stack
from tests.cli.test_outcomes import status_of
from tests.cli.test_secrets import CANARY, LEAK, LINES, MARKED, SINKS, assert_no_trace, declare, on_github
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler
from tests.support.benches import GIVEN, unreachable

pytestmark = [pytest.mark.real, pytest.mark.network]
PLACE = ("cafe", "dev")
IN_CONTAINERS = pytest.mark.skipif(bool(unreachable()), reason=f"the hunt in containers: {unreachable()}")


@dataclass(slots=True, kw_only=True)
class Watch:
    """Scans the arguments and environments of all processes repeatedly."""

    needles: tuple[bytes, ...]
    begins: threading.Event = field(default_factory=threading.Event)
    ends: threading.Event = field(default_factory=threading.Event)
    found: set[tuple[str, str]] = field(default_factory=set)
    looks: int = 0

    def look(self) -> None:
        """Scans all processes once. Only the environment of a check's process may contain a secret."""
        self.looks += 1
        for place in Path("/proc").glob("[0-9]*"):
            try:
                name = (place / "comm").read_text().strip()
                arguments, environment = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
            except OSError:
                continue
            if any(needle in arguments for needle in self.needles):
                self.found.add((name, "arguments"))
            if any(needle in environment for needle in self.needles):
                self.found.add((name, "its own" if is_of_a_check(place, environment) else "environment"))

    def run(self) -> None:
        self.begins.wait(60)
        while not self.ends.wait(0.02):
            self.look()


def is_of_a_check(place: Path, environment: bytes) -> bool:
    """Whether a check started the process: it has PREDEPLOY_RUN, or it is in another PID namespace (a container)."""
    try:
        return b"PREDEPLOY_RUN=" in environment or (place / "ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except OSError:  # the process has just ended
        return True


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield
    finally:
        watch.begins.set()
        watch.ends.set()
        thread.join()


@pytest.mark.parametrize("engine", ["local", pytest.param("dagger", marks=(IN_CONTAINERS, pytest.mark.slow))])
@pytest.mark.parametrize("provider", ["doppler", pytest.param("env", marks=pytest.mark.slow)])
def test_no_canary_is_found(engine: str, provider: str, recorded: Caller, tmp_path: Path) -> None:
    hunt_secrets(engine, provider, recorded, tmp_path)


def hunt_secrets(engine: str, provider: str, recorded: Caller, place: Path) -> None:
    """A run of a stack below `place`: its secrets are found in no output, and in no process but those of its checks."""
    stack = make_stack(place / "stack")
    rows = [(name, LEAK, ["CANARY", "LINES", "MARKED"]) for name in ("one", "two", "three")]
    declare(stack, *rows, python="python3" if engine == "dagger" else sys.executable)
    hunt = uuid.uuid4().hex  # other tests run at the same time with the same canary words
    canary = f"{CANARY}{hunt}"
    service = Doppler(configs={PLACE: {"CANARY": canary, "LINES": LINES, "MARKED": MARKED}})
    token = service.service_token(*PLACE, token=f"dp.st.dev.c4n4ry{hunt}")
    watch = Watch(needles=(hunt.encode(),))
    with serving(service), watching(watch):
        given = {"DOPPLER_TOKEN": token, "DOPPLER_API_HOST": service.url}
        given |= {"PREDEPLOY_DOPPLER_SNAPSHOT": "1"} if provider == "doppler" else {"PREDEPLOY_SECRETS_PROVIDER": "env"}
        given |= {"CANARY": canary, "LINES": LINES, "MARKED": MARKED} if provider == "env" else {}
        containers = GIVEN if engine == "dagger" else {}
        caller = on_github(replace(recorded, environ={**recorded.environ, **containers, **given}), stack)
        call = caller.start(stack.root, "--json-output", "--engine", engine)
        # a program cannot clean its environment before its first line runs
        wait_for(lambda: [*(stack.root / ".predeploy").rglob("*.log")], "a log", limit=120)
        watch.begins.set()
        ended = call.wait(limit=300)

    assert status_of(ended.document) == {"one": "failed", "two": "failed", "three": "failed"}, ended.transcript
    assert (ended.document["engine"]["name"], ended.document["run"]["unrecorded"]) == (engine, None), ended.transcript
    for name in ("one", "two", "three"):
        assert (stack.root / f".predeploy/latest/logs/{name}.log").read_text().count("***") > 20
    assert {path.name for path in (stack.root / ".predeploy/latest").iterdir()} >= SINKS
    assert_no_trace(ended, stack.root / ".predeploy", stack.mark("summary"), recorded.home)
    assert watch.looks > 10
    assert {where for _, where in watch.found} == {"its own"}, watch.found
    assert len(service.asked) == (1 if provider == "doppler" else 0)
