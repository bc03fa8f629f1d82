"""Doppler through the command line: requests, messages, and protection of the token."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.caller import ROOT, Caller, Ended, wait_for
from tests.cli.stack import TinyStack
from tests.cli.test_secrets import declare
from tests.secrets.doppler.misbehaviour import page, refuse, silence
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler

PLACE = ("cafe", "dev")
# tests run in parallel, and must ignore each other's tokens
TOKEN = f"dp.st.dev.c4n4ryT0ken{uuid.uuid4().hex}"
KEY = "c4n4ry-value-7Kx2mPv9"
LOOKS = """
import os
from pathlib import Path
print("KEY is", os.environ["KEY"])
needle = "NEEDLE".swapcase()
for place in Path("/proc").glob("[0-9]*/environ"):
    try:
        if needle.encode() in place.read_bytes():
            print("found in", place, (place.parent / "comm").read_text())
    except OSError:
        pass
print(sorted(name for name in os.environ if name.startswith("DOPPLER")))
"""


@pytest.fixture
def doppler() -> Iterator[Doppler]:
    service = Doppler(configs={PLACE: {"KEY": KEY, "OTHER": "not asked for", "PIN": "1234"}})
    service.service_token(*PLACE, token=TOKEN)
    with serving(service) as running:
        yield running


@pytest.fixture
def asking(caller: Caller, doppler: Doppler) -> Caller:
    """A caller with a token."""
    environ = {**caller.environ, "DOPPLER_TOKEN": TOKEN, "DOPPLER_API_HOST": doppler.url}
    return replace(caller, environ=environ, how="fork")


@pytest.fixture
def looking(stack: TinyStack) -> TinyStack:
    """A stack with a check that searches for the token, and a check without secrets."""
    looks = LOOKS.replace("NEEDLE", TOKEN.swapcase())
    declare(stack, ("look", looks, ["KEY"]), ("plain", "print('hello')", []))
    return stack


def log_of(stack: TinyStack, check: str) -> str:
    return (stack.root / f".predeploy/latest/logs/{check}.log").read_text()


def assert_no_secret_in_output(ended: Ended) -> None:
    assert "c4n4ry" not in ended.stdout + ended.stderr, ended.transcript


def test_doppler_needs_only_a_token(asking: Caller, looking: TinyStack, doppler: Doppler) -> None:
    ended = replace(asking, how="exec").run(looking.root, "--json-output")

    ended.assert_ended(0, "PASSED")
    assert ended.document["secrets"] == {"source": "Doppler (cafe/dev)", "names": ["KEY"], "stale": None}
    (asked,) = doppler.asked
    assert asked.query == {"secrets": "DOPPLER_CONFIG,DOPPLER_PROJECT,KEY"}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert_no_secret_in_output(ended)


def test_no_check_finds_the_token(asking: Caller, looking: TinyStack) -> None:
    ended = replace(asking, how="exec").run(looking.root)

    ended.assert_ended(0, "PASSED")
    lines = log_of(looking, "look").splitlines()
    assert "KEY is ***" in lines
    assert lines[lines.index("KEY is ***") + 1] == "[]"


@pytest.mark.skipif(not (ROOT / ".venv/installed.txt").is_file(), reason="the wrapper has not made .venv here")
def test_wrapper_passes_on_the_token_and_keeps_no_copy(asking: Caller, looking: TinyStack) -> None:
    environ = {name: value for name, value in asking.variables.items() if name != "PYTHONPATH"}
    argv: list[str | Path] = ["sh", "-c", '"$@"; exit $?', "sh", ROOT / "just", "pre-deploy", looking.root]
    # Prefect is real here, but its server is not available
    done = subprocess.run(argv, env=environ, cwd=asking.cwd, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = log_of(looking, "look").splitlines()
    holders = [line.split()[-1] for line in lines if line.startswith("found in")]
    # the calling shell was started with the token, and the report warns of that
    assert holders == ["sh"]
    assert "DOPPLER_TOKEN: a check of the embedded engine can read it from the environment of sh" in flat(done.stdout)
    assert "DOPPLER" not in lines[-2]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_doppler_gets_no_request_if_no_check_declares_secrets(
    asking: Caller, looking: TinyStack, doppler: Doppler
) -> None:
    ended = asking.run(looking.root, "--only", "plain")

    ended.assert_ended(0, "PASSED")
    assert doppler.asked == []


def test_report_warns_that_root_checks_can_read_the_token(asking: Caller, looking: TinyStack) -> None:
    ended = asking.run(looking.root, "--json-output")

    warnings = [each for each in ended.document["warnings"] if each.startswith("DOPPLER_TOKEN: ")]
    assert len(warnings) == (1 if os.geteuid() == 0 else 0)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (refuse(401, f"Invalid token {TOKEN}"), "Doppler does not accept DOPPLER_TOKEN (HTTP 401: Invalid token ***)"),
        (page(502), "Doppler does not answer: HTTP 502: Bad Gateway (5 attempts in "),
    ],
)
def test_run_without_its_secrets_is_errored(
    asking: Caller, looking: TinyStack, doppler: Doppler, fault: object, says: str
) -> None:
    doppler.always = fault  # type: ignore[assignment]
    caller = replace(asking, environ={**asking.environ, "PREDEPLOY_DOPPLER_LIMIT": "1"})

    ended = caller.run(looking.root)

    ended.assert_ended(3, "ERRORED")
    assert ended.stderr.startswith(f"predeploy: {says}"), ended.transcript
    assert len(ended.stderr.splitlines()) == 1
    assert_no_secret_in_output(ended)
    assert not looking.runs


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_malformed_token_is_refused(asking: Caller, looking: TinyStack, debug: list[str]) -> None:
    ended = replace(asking, environ={**asking.environ, "DOPPLER_TOKEN": f"{TOKEN} x"}).run(looking.root, *debug)

    ended.assert_ended(3, "ERRORED")
    assert "DOPPLER_TOKEN is not a token" in ended.stderr
    assert_no_secret_in_output(ended)


def test_all_missing_names_are_reported_at_once(asking: Caller, stack: TinyStack, doppler: Doppler) -> None:
    declare(stack, ("one", LOOKS, ["KEY", "GONE"]), ("two", LOOKS, ["GONE", "LOST"]))

    ended = asking.run(stack.root)

    ended.assert_ended(3, "ERRORED")
    assert ended.stderr.splitlines()[:3] == [
        "predeploy: 2 secrets have no value in Doppler (cafe/dev):",
        "  GONE, declared by one, two",
        "  LOST, declared by two",
    ]
    assert len(doppler.asked) == 1


def test_stack_cannot_set_the_host_that_gets_the_token(asking: Caller, looking: TinyStack) -> None:
    rows = "\n".join(looking.rows)
    (looking.root / "predeploy.toml").write_text(f'doppler_url = "http://127.0.0.1:9"\n{rows}')

    ended = asking.run(looking.root)

    ended.assert_ended(2, "USAGE")


def test_value_that_is_too_short_is_reported(asking: Caller, stack: TinyStack) -> None:
    declare(stack, ("pin", "import os; print(os.environ['PIN'])", ["PIN"]))

    ended = asking.run(stack.root, "--json-output")

    assert any(each.startswith("PIN: too short to be masked") for each in ended.document["warnings"])
    assert json.dumps(ended.document).count("1234") == 0


DEPLOYS = "deploy_secrets = { STRIPE_KEY = 'required', QUEUE_URL = 'required', SENTRY_DSN = 'optional' }\n"
PRODUCTION = ("cafe", "prd")


@pytest.fixture
def deploying(stack: TinyStack) -> TinyStack:
    """A stack that declares the secrets of its deploy, and has another check."""
    declare(stack, ("plain", "print('hello')", []))
    stack.has_site()
    (stack.root / "predeploy.toml").write_text(DEPLOYS + "\n".join(stack.rows))
    return stack


def deploy_secrets_of(ended: Ended) -> dict[str, Any]:
    (check,) = [each for each in ended.document["stages"]["build"]["checks"] if each["name"] == "deploy_secrets"]
    assert isinstance(check, dict)
    return check


def test_deploy_secrets_check_passes_if_all_exist(asking: Caller, deploying: TinyStack, doppler: Doppler) -> None:
    doppler.configs[PRODUCTION] = {"STRIPE_KEY": "c4n4ry-k3y", "QUEUE_URL": "redis://c4n4ry@queue/0"}
    token = doppler.account_token(PRODUCTION, token="dp.sa.c4n4ry-other-token")
    environ = {**asking.environ, "DOPPLER_TOKEN": token, "DOPPLER_PROJECT": "cafe"}

    ended = replace(asking, environ=environ).run(deploying.root, "--environment", "production", "--json-output")

    ended.assert_ended(0, "PASSED")
    check = deploy_secrets_of(ended)
    assert (check["status"], check["summary"]) == ("passed", "2 names in cafe/prd, without 1 optional")
    assert ended.document["ready"]
    assert doppler.asked[-1].query["config"] == "prd"
    assert_no_secret_in_output(ended)


def test_deploy_secrets_check_fails_if_one_is_missing(asking: Caller, deploying: TinyStack, doppler: Doppler) -> None:
    doppler.configs[PLACE] = {"STRIPE_KEY": "change-me", "SENTRY_DSN": "https://a@c4n4ry/1"}
    rows = "\n".join(deploying.rows)
    (deploying.root / "predeploy.toml").write_text(f'{DEPLOYS}doppler_configs = {{ staging = "dev" }}\n{rows}')

    ended = asking.run(deploying.root, "--environment", "staging", "--json-output")

    ended.assert_ended(1, "FAILED")
    check = deploy_secrets_of(ended)
    assert check["reason_code"] == "secrets_missing"
    assert check["rerun"].endswith(" --environment staging --only 'deploy_secrets'")
    assert [each["message"].partition(";")[0] for each in check["diagnostics"]] == [
        "QUEUE_URL is missing in cafe/dev",
        "STRIPE_KEY is a placeholder, not a value in cafe/dev",
    ]
    assert_no_secret_in_output(ended)


def test_token_for_another_config_gives_no_verdict_on_production(asking: Caller, deploying: TinyStack) -> None:
    ended = asking.run(deploying.root, "--environment", "production", "--json-output")

    ended.assert_ended(3, "ERRORED")
    check = deploy_secrets_of(ended)
    assert check["status"] == "errored"
    assert check["reason"].startswith("DOPPLER_TOKEN is for cafe/dev, and the settings name config prd.")


@pytest.mark.parametrize(
    ("flags", "environ", "code", "status", "reason"),
    [
        ([], {}, 0, "skipped", "no_target"),
        ([], {"DOPPLER_TOKEN": ""}, 0, "skipped", "no_doppler"),
        ([], {"PREDEPLOY_SECRETS_PROVIDER": "env"}, 0, "skipped", "no_doppler"),
        (["--environment", "staging"], {"DOPPLER_TOKEN": ""}, 3, "errored", "secrets"),
        (["--environment", "staging"], {"PREDEPLOY_SECRETS_PROVIDER": "none"}, 3, "errored", "secrets"),
    ],
)
def test_doppler_is_not_asked_without_a_target_or_a_token(
    asking: Caller,
    deploying: TinyStack,
    doppler: Doppler,
    flags: list[str],
    environ: dict[str, str],
    code: int,
    status: str,
    reason: str,
) -> None:
    ended = replace(asking, environ={**asking.environ, **environ}).run(deploying.root, "--json-output", *flags)

    assert ended.code == code, ended.transcript
    check = deploy_secrets_of(ended)
    assert (check["status"], check["reason_code"]) == (status, reason)
    assert not ended.document["ready"]
    assert doppler.asked == []


def test_unknown_deploy_target(asking: Caller, deploying: TinyStack) -> None:
    ended = asking.run(deploying.root, "--environment", "qa")

    ended.assert_ended(2, "USAGE")
    assert "--environment qa: there is production or staging." in ended.stderr


def test_ctrl_c_while_doppler_is_asked_for_secrets(asking: Caller, looking: TinyStack, doppler: Doppler) -> None:
    doppler.always = silence
    call = asking.start(looking.root)
    wait_for(lambda: doppler.asked, "the question")

    call.press(signal.SIGINT)
    ended = call.wait(limit=10)

    ended.assert_ended(130, "INTERRUPTED")
    assert not looking.runs


def test_ctrl_c_does_not_wait_for_doppler(asking: Caller, deploying: TinyStack, doppler: Doppler) -> None:
    doppler.always = silence
    call = asking.start(deploying.root, "--environment", "production", "--only", "deploy_secrets")
    wait_for(lambda: doppler.asked, "the question")

    call.press(signal.SIGINT)
    ended = call.wait(limit=10)

    ended.assert_ended(130, "INTERRUPTED")


@pytest.fixture
def keeping(asking: Caller) -> Caller:
    """A caller that keeps snapshots, with a short time limit for Doppler."""
    return replace(
        asking, environ={**asking.environ, "PREDEPLOY_DOPPLER_SNAPSHOT": "1", "PREDEPLOY_DOPPLER_LIMIT": "1"}
    )


def test_a_copy_serves_a_developer_and_is_announced(keeping: Caller, looking: TinyStack, doppler: Doppler) -> None:
    looking.has_site()
    keeping.run(looking.root).assert_ended(0, "PASSED")
    doppler.always = page(502)

    ended = keeping.run(looking.root)

    ended.assert_ended(0, "PASSED")
    stale = "  ! STALE SECRETS, less than a minute old: copied from Doppler (cafe/dev)"
    assert stale in ended.stdout, ended.transcript
    assert "secrets Doppler (cafe/dev), an earlier answer: KEY" in ended.stdout
    assert "PASSED (partial: secrets were a copy from an earlier run" in ended.stdout
    assert "Ready to deploy!" not in ended.stdout
    report = looking.report()
    gaps = {each["name"]: each["proof"]["full"] for each in report["stages"]["quality"]["checks"]}
    assert gaps == {"look": False, "plain": True}
    assert report["secrets"]["stale"].startswith("STALE SECRETS")
    assert_no_secret_in_output(ended)


@pytest.mark.parametrize(
    ("environ", "flags"),
    [({"CI": "1"}, []), ({}, ["--environment", "staging"]), ({"PREDEPLOY_DOPPLER_SNAPSHOT": ""}, [])],
)
def test_snapshot_is_not_used(
    keeping: Caller, looking: TinyStack, doppler: Doppler, environ: dict[str, str], flags: list[str]
) -> None:
    keeping.run(looking.root).assert_ended(0, "PASSED")
    doppler.always = page(502)

    ended = replace(keeping, environ={**keeping.environ, **environ}).run(looking.root, *flags)

    ended.assert_ended(3, "ERRORED")
    assert "Doppler does not answer: HTTP 502" in ended.stderr


def test_no_snapshot_is_kept_by_default(asking: Caller, looking: TinyStack) -> None:
    def copies() -> list[Path]:
        return [*asking.home.rglob("snapshots/*.json")]

    before = copies()

    asking.run(looking.root).assert_ended(0, "PASSED")

    assert copies() == before
