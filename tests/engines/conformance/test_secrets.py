"""Secrets of steps: which steps get them, and that no output or file of an engine shows them."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tasks.secrets import Secrets
from tasks.steps import PYTHON, WORK, Service
from tests.engines.conformance.packages import installed_by
from tests.support.benches import Bench, Opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

VALUE = f"c4n4ry-{WORK}-7Kx2/m P=v"
SECRETS = Secrets({"KEY": VALUE, "OTHER": "another-c4n4ry-value"})
FORMS = (VALUE, base64.b64encode(VALUE.encode()).decode(), quote(VALUE, safe=""), SECRETS["OTHER"])
SHOW = "import os; print('got', os.environ.get('KEY'), os.environ.get('OTHER'))"
ENCODED = """
import base64, os, sys, urllib.parse
value = os.environ["KEY"]
forms = value, base64.b64encode(value.encode()).decode(), urllib.parse.quote(value, safe="")
for stream in (sys.stdout, sys.stderr):
    print(len(value), *forms, "end", sep="\\n", file=stream)
"""


@pytest.fixture(scope="module")
def engine_context(module_bench: Bench) -> Mapping[str, Any]:
    """An engine of a run with secrets. The user's environment has one of them as well."""
    return {"secrets": SECRETS, "environ": {**module_bench.environ, "KEY": VALUE}}


def shown(bench: Bench) -> list[str]:
    """Files of predeploy that show a secret in any form. Workspaces are excluded: they belong to the stack."""
    files = [path for path in bench.base.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if any(form.encode() in path.read_bytes() for form in FORMS)]


async def test_step_gets_its_declared_secrets_unchanged(opened: Opened) -> None:
    is_it = "os.environ['KEY'] == 'c4n4ry-@' + 'work@-7Kx2/m P=v'"
    exit = await opened.run(
        PYTHON, "-c", f"{SHOW}; assert {is_it}", secrets=("KEY",), env=(("KEY", "of the settings"),)
    )

    assert (exit.code, exit.stdout) == (0, "got *** None\n"), exit.stderr
    assert "got *** None" in opened.bench.written()


async def test_missing_secret_leaves_the_variable_of_its_name_unchanged(opened: Opened) -> None:
    program = "import os; print('got', os.environ.get('UNKNOWN'))"
    exit = await opened.run(PYTHON, "-c", program, secrets=("UNKNOWN",), env=(("UNKNOWN", "of the example"),))

    assert exit.stdout == "got of the example\n"


async def test_step_that_declares_no_secrets_gets_none(opened: Opened) -> None:
    exit = await opened.run(PYTHON, "-c", SHOW)

    assert exit.stdout == "got None None\n"


async def test_next_step_of_the_slot_does_not_have_the_secrets(opened: Opened) -> None:
    await opened.run("true", secrets=("KEY", "OTHER"))
    exit = await opened.run(PYTHON, "-c", SHOW)

    assert exit.stdout == "got None None\n"


async def test_values_are_masked_in_every_usual_form(opened: Opened) -> None:
    exit = await opened.run(PYTHON, "-c", ENCODED, secrets=("KEY",))

    masked = [str(len(VALUE)), "***", "***", "***", "end"]
    assert (exit.stdout.splitlines(), exit.stderr.splitlines()) == (masked, masked)
    assert opened.bench.written().count("***") == 6
    assert not shown(opened.bench)


async def test_a_failure_is_masked_as_well(opened: Opened) -> None:
    exit = await opened.run("sh", "-c", 'echo "$KEY"; echo "$OTHER" >&2; exit 3', secrets=("KEY", "OTHER"))

    assert (exit.code, exit.stdout, exit.stderr) == (3, "***\n", "***\n")
    assert not shown(opened.bench)


async def test_the_command_itself_is_masked(opened: Opened) -> None:
    exit = await opened.run(SECRETS["OTHER"], "--verbose")

    assert exit.code == 127
    assert "$ *** --verbose\n" in opened.bench.written()
    assert "c4n4ry" not in opened.bench.written() + str(exit)


async def test_text_that_only_starts_like_a_value_is_kept(opened: Opened) -> None:
    start = SECRETS["OTHER"][:-1]
    exit = await opened.run("sh", "-c", f"echo out; printf {start}; echo bad >&2; printf {start} >&2")

    assert (exit.stdout, exit.stderr) == (f"out\n{start}", f"bad\n{start}")
    assert opened.bench.written().count(start) == 4


async def test_server_gets_its_own_secrets_and_is_masked(opened: Opened) -> None:
    ends = f"{SHOW}; raise SystemExit(os.environ['OTHER'])"
    service = Service(name="server", argv=(PYTHON, "-c", ends), cwd=".", secrets=("OTHER",))
    exit = await opened.run(
        PYTHON, "-c", f"{SHOW}; import time; time.sleep(60)", secrets=("KEY",), services=(service,), limit=70
    )

    assert sorted(exit.services[0].output.splitlines()) == ["***", "got None ***"]
    assert not shown(opened.bench)


async def test_installation_gets_no_secrets(opened: Opened) -> None:
    environment = installed_by(PYTHON, "-c", f"{SHOW}; raise SystemExit(7)")
    prepared = await opened.engine.prepare(environment, opened.bench.log)

    assert (prepared.exit.code, prepared.exit.stdout) == (7, "got None None\n"), prepared


@pytest.mark.asyncio(loop_scope="function")
async def test_changed_value_makes_no_cached_result(bench: Bench) -> None:
    """A cached pass belongs to the value that the secret had at that time."""
    seen = []
    for value in ("first-c4n4ry-value", "second-c4n4ry-value"):
        step = bench.step("sh", "-c", 'printf %s "$KEY" | wc -c', secrets=("KEY",))
        async with bench.engine(secrets=Secrets({"KEY": value})) as engine:
            seen.append((await engine.run(step, bench.log)).stdout.strip())

    assert seen == ["18", "19"]
