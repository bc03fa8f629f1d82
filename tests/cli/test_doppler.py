"""Doppler through the command line: what is asked, what is said, and who cannot see the token."""

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
# other tests run beside these, and their tokens are none of theirs
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
    """Somebody with a token."""
    return replace(caller, environ={**caller.environ, "DOPPLER_TOKEN": TOKEN, "DOPPLER_API_HOST": doppler.url})


@pytest.fixture
def looking(stack: TinyStack) -> TinyStack:
    """A check looks for the token, another one has no secret."""
    looks = LOOKS.replace("NEEDLE", TOKEN.swapcase())
    declare(stack, ("look", looks, ["KEY"]), ("plain", "print('hello')", []))
    return stack


def log_of(stack: TinyStack, check: str) -> str:
    return (stack.root / f".predeploy/latest/logs/{check}.log").read_text()


def assert_untold(ended: Ended) -> None:
    assert "c4n4ry" not in ended.stdout + ended.stderr, ended.told


def test_a_token_is_all_that_is_needed(asking: Caller, looking: TinyStack, doppler: Doppler) -> None:
    ended = asking.run(looking.root, "--json-output")

    ended.assert_ended(0, "PASSED")
    assert ended.document["secrets"] == {"source": "Doppler (cafe/dev)", "names": ["KEY"], "stale": None}
    (asked,) = doppler.asked
    assert asked.query == {"secrets": "DOPPLER_CONFIG,DOPPLER_PROJECT,KEY"}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert_untold(ended)


def test_no_check_finds_the_token(asking: Caller, looking: TinyStack) -> None:
    ended = asking.run(looking.root)

    ended.assert_ended(0, "PASSED")
    told = log_of(looking, "look").splitlines()
    assert "KEY is ***" in told
    assert told[told.index("KEY is ***") + 1] == "[]"


@pytest.mark.skipif(not (ROOT / ".venv/installed.txt").is_file(), reason="the wrapper has not made .venv here")
def test_the_wrapper_hands_the_token_on_and_keeps_none(asking: Caller, looking: TinyStack) -> None:
    environ = {name: value for name, value in asking.variables.items() if name != "PYTHONPATH"}
    argv: list[str | Path] = ["sh", "-c", '"$@"; exit $?', "sh", ROOT / "just", "pre-deploy", looking.root]
    # Prefect is real here, and its server nowhere
    done = subprocess.run(argv, env=environ, cwd=asking.cwd, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    told = log_of(looking, "look").splitlines()
    holders = [line.split()[-1] for line in told if line.startswith("found in")]
    # the shell that it was called from was started with it, and the report says so
    assert holders == ["sh"]
    assert "DOPPLER_TOKEN: a check of the embedded engine can read it from the environment of sh" in flat(done.stdout)
    assert "DOPPLER" not in told[-2]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_nobody_is_asked_where_nothing_is_declared(asking: Caller, looking: TinyStack, doppler: Doppler) -> None:
    ended = asking.run(looking.root, "--only", "plain")

    ended.assert_ended(0, "PASSED")
    assert doppler.asked == []


def test_the_report_says_what_root_could_do(asking: Caller, looking: TinyStack) -> None:
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
def test_no_secrets_no_verdict(asking: Caller, looking: TinyStack, doppler: Doppler, fault: object, says: str) -> None:
    doppler.always = fault  # type: ignore[assignment]
    caller = replace(asking, environ={**asking.environ, "PREDEPLOY_DOPPLER_LIMIT": "1"})

    ended = caller.run(looking.root)

    ended.assert_ended(3, "ERRORED")
    assert ended.stderr.startswith(f"predeploy: {says}"), ended.told
    assert len(ended.stderr.splitlines()) == 1
    assert_untold(ended)
    assert not looking.runs


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_token_that_is_none(asking: Caller, looking: TinyStack, debug: list[str]) -> None:
    ended = replace(asking, environ={**asking.environ, "DOPPLER_TOKEN": f"{TOKEN} x"}).run(looking.root, *debug)

    ended.assert_ended(3, "ERRORED")
    assert "DOPPLER_TOKEN is not a token" in ended.stderr
    assert_untold(ended)


def test_all_missing_names_are_told_at_once(asking: Caller, stack: TinyStack, doppler: Doppler) -> None:
    declare(stack, ("one", LOOKS, ["KEY", "GONE"]), ("two", LOOKS, ["GONE", "LOST"]))

    ended = asking.run(stack.root)

    ended.assert_ended(3, "ERRORED")
    assert ended.stderr.splitlines()[:3] == [
        "predeploy: 2 secrets have no value in Doppler (cafe/dev):",
        "  GONE, declared by one, two",
        "  LOST, declared by two",
    ]
    assert len(doppler.asked) == 1


def test_the_stack_cannot_say_where_a_token_goes(asking: Caller, looking: TinyStack) -> None:
    rows = "\n".join(looking.rows)
    (looking.root / "predeploy.toml").write_text(f'doppler_url = "http://127.0.0.1:9"\n{rows}')

    ended = asking.run(looking.root)

    ended.assert_ended(2, "USAGE")


def test_a_value_that_is_too_short_is_named(asking: Caller, stack: TinyStack) -> None:
    declare(stack, ("pin", "import os; print(os.environ['PIN'])", ["PIN"]))

    ended = asking.run(stack.root, "--json-output")

    assert any(each.startswith("PIN: too short to be masked") for each in ended.document["warnings"])
    assert json.dumps(ended.document).count("1234") == 0


DEPLOYS = "deploy_secrets = { STRIPE_KEY = 'required', QUEUE_URL = 'required', SENTRY_DSN = 'optional' }\n"
PRODUCTION = ("cafe", "prd")


@pytest.fixture
def deploying(stack: TinyStack) -> TinyStack:
    """A stack that says what its deploy needs, and has another check."""
    declare(stack, ("plain", "print('hello')", []))
    (stack.root / "predeploy.toml").write_text(DEPLOYS + "\n".join(stack.rows))
    return stack


def deploy_secrets_of(ended: Ended) -> dict[str, Any]:
    (check,) = [each for each in ended.document["stages"]["build"]["checks"] if each["name"] == "deploy_secrets"]
    assert isinstance(check, dict)
    return check


def test_a_deploy_s_secrets_are_all_there(asking: Caller, deploying: TinyStack, doppler: Doppler) -> None:
    doppler.configs[PRODUCTION] = {"STRIPE_KEY": "c4n4ry-k3y", "QUEUE_URL": "redis://c4n4ry@queue/0"}
    token = doppler.account_token(PRODUCTION, token="dp.sa.c4n4ry-other-token")
    environ = {**asking.environ, "DOPPLER_TOKEN": token, "DOPPLER_PROJECT": "cafe"}

    ended = replace(asking, environ=environ).run(deploying.root, "--environment", "production", "--json-output")

    ended.assert_ended(0, "PASSED")
    check = deploy_secrets_of(ended)
    assert (check["status"], check["summary"]) == ("passed", "2 names in cafe/prd, without 1 optional")
    assert ended.document["ready"]
    assert doppler.asked[-1].query["config"] == "prd"
    assert_untold(ended)


def test_what_a_deploy_lacks_is_red(asking: Caller, deploying: TinyStack, doppler: Doppler) -> None:
    doppler.configs[PLACE] = {"STRIPE_KEY": "change-me", "SENTRY_DSN": "https://a@c4n4ry/1"}
    rows = "\n".join(deploying.rows)
    (deploying.root / "predeploy.toml").write_text(f'{DEPLOYS}doppler_configs = {{ staging = "dev" }}\n{rows}')

    ended = asking.run(deploying.root, "--environment", "staging", "--json-output")

    ended.assert_ended(1, "FAILED")
    check = deploy_secrets_of(ended)
    assert check["reason_code"] == "secrets_missing"
    assert check["rerun"].endswith(" --environment staging --only 'deploy_secrets'")
    assert [each["message"].partition(";")[0] for each in check["diagnostics"]] == [
        "QUEUE_URL is not there in cafe/dev",
        "STRIPE_KEY is a placeholder, not a value in cafe/dev",
    ]
    assert_untold(ended)


def test_a_token_for_another_config_says_nothing_of_production(asking: Caller, deploying: TinyStack) -> None:
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
def test_nobody_looks_without_means(
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

    assert ended.code == code, ended.told
    check = deploy_secrets_of(ended)
    assert (check["status"], check["reason_code"]) == (status, reason)
    assert not ended.document["ready"]
    assert doppler.asked == []


def test_a_deploy_to_nowhere(asking: Caller, deploying: TinyStack) -> None:
    ended = asking.run(deploying.root, "--environment", "qa")

    ended.assert_ended(2, "USAGE")
    assert "--environment qa: there is production or staging." in ended.stderr


def test_ctrl_c_before_anything_has_begun(asking: Caller, looking: TinyStack, doppler: Doppler) -> None:
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
    """Somebody who keeps copies, and has little patience."""
    return replace(
        asking, environ={**asking.environ, "PREDEPLOY_DOPPLER_SNAPSHOT": "1", "PREDEPLOY_DOPPLER_LIMIT": "1"}
    )


def test_a_copy_serves_a_developer_and_is_announced(keeping: Caller, looking: TinyStack, doppler: Doppler) -> None:
    keeping.run(looking.root).assert_ended(0, "PASSED")
    doppler.always = page(502)

    ended = keeping.run(looking.root)

    ended.assert_ended(0, "PASSED")
    assert "  ! STALE SECRETS, less than a minute old: copied from Doppler (cafe/dev)" in ended.stdout, ended.told
    assert "secrets Doppler (cafe/dev), an earlier answer: KEY" in ended.stdout
    assert "PASSED (partial: secrets were a copy from an earlier run" in ended.stdout
    assert "Ready to deploy!" not in ended.stdout
    report = looking.report()
    gaps = {each["name"]: each["proof"]["full"] for each in report["stages"]["quality"]["checks"]}
    assert gaps == {"look": False, "plain": True}
    assert report["secrets"]["stale"].startswith("STALE SECRETS")
    assert_untold(ended)


@pytest.mark.parametrize(
    ("environ", "flags"),
    [({"CI": "1"}, []), ({}, ["--environment", "staging"]), ({"PREDEPLOY_DOPPLER_SNAPSHOT": ""}, [])],
)
def test_it_serves_nobody_else(
    keeping: Caller, looking: TinyStack, doppler: Doppler, environ: dict[str, str], flags: list[str]
) -> None:
    keeping.run(looking.root).assert_ended(0, "PASSED")
    doppler.always = page(502)

    ended = replace(keeping, environ={**keeping.environ, **environ}).run(looking.root, *flags)

    ended.assert_ended(3, "ERRORED")
    assert "Doppler does not answer: HTTP 502" in ended.stderr


def test_no_copy_is_kept_by_itself(asking: Caller, looking: TinyStack) -> None:
    def copies() -> list[Path]:
        return [*asking.home.rglob("snapshots/*.json")]

    before = copies()

    asking.run(looking.root).assert_ended(0, "PASSED")

    assert copies() == before
