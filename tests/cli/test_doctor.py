"""`predeploy doctor`: findings on this machine and on secrets, without any secret value."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tasks.doctor.examine import DOPPLER_SECONDS, impatient
from tasks.settings import Settings
from tests.cli.caller import Caller, Ended
from tests.cli.stack import TinyStack
from tests.cli.test_secrets import declare
from tests.secrets.doppler.misbehaviour import refuse, silence
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler

PLACE = ("cafe", "dev")
TOKEN = "dp.st.dev.c4n4ryT0kenT0ken"


@pytest.fixture
def doppler() -> Iterator[Doppler]:
    service = Doppler(configs={PLACE: {"KEY": "c4n4ry-value", "OTHER": "c4n4ry-other"}})
    service.service_token(*PLACE, token=TOKEN)
    with serving(service) as running:
        yield running


@pytest.fixture
def patient(caller: Caller, doppler: Doppler) -> Caller:
    """A caller with a token."""
    own = {"DOPPLER_TOKEN": TOKEN, "DOPPLER_API_HOST": doppler.url, "PREDEPLOY_DOPPLER_LIMIT": "1"}
    return replace(caller, environ={**caller.environ, **own, "PREDEPLOY_ENGINE": "local"}, how="fork")


@pytest.fixture
def declaring(stack: TinyStack) -> TinyStack:
    declare(stack, ("one", "print('never run')", ["KEY"]))
    return stack


def findings(ended: Ended) -> dict[str, dict[str, Any]]:
    document = json.loads(ended.stdout)
    assert (document["schema"], document["ok"]) == (1, ended.code == 0)
    assert "c4n4ry" not in ended.stdout + ended.stderr
    assert not [each for each in document["findings"] if each["state"] == "missing" and not each["fix"]]
    return {each["name"]: each for each in document["findings"]}


def states(ended: Ended) -> dict[str, str]:
    return {name: each["state"] for name, each in findings(ended).items()}


def test_everything_is_available(patient: Caller, declaring: TinyStack, doppler: Doppler) -> None:
    ended = patient.run("doctor", declaring.root, "--json-output")

    assert ended.code == 0, ended.transcript
    found = findings(ended)
    assert {
        name: each["text"] for name, each in found.items() if name in {"token", "account", "config", "secrets"}
    } == {
        "token": "DOPPLER_TOKEN is a service token",
        "account": "service_token ci of Cafe",
        "config": f"cafe/dev at {doppler.url}",
        "secrets": "Doppler (cafe/dev) has 5 names; the checks declare 1",
    }
    assert found["snapshot"]["fix"] == "doppler_snapshot = 24"
    assert {"stack", "engine", "Python", "Prefect", "cache", "data"} <= found.keys()
    assert not declaring.runs


def test_doctor_requests_no_secret_value(patient: Caller, declaring: TinyStack, doppler: Doppler) -> None:
    patient.run("doctor", declaring.root)

    assert [(each.path.rpartition("/")[2], each.query) for each in doppler.asked] == [
        ("me", {}),
        ("secrets", {"secrets": "DOPPLER_CONFIG,DOPPLER_PROJECT"}),
        ("names", {}),
    ]


def test_human_readable_output(patient: Caller, declaring: TinyStack) -> None:
    ended = patient.run("doctor", declaring.root)

    assert ended.code == 0
    assert "✓ token     DOPPLER_TOKEN is a service token\n" in ended.stdout
    assert "○ snapshot  no copy is kept\n            → doppler_snapshot = 24\n" in ended.stdout
    assert ended.stdout.endswith("\nThis machine has everything for a run.\n")
    assert ended.stderr == ""
    assert "c4n4ry" not in ended.stdout


def test_missing_secret(patient: Caller, declaring: TinyStack) -> None:
    declare(declaring, ("two", "print('never run')", ["GONE", "LOST"]))

    ended = patient.run("doctor", declaring.root, "--json-output")

    assert ended.code == 3
    secrets = findings(ended)["secrets"]
    assert (secrets["state"], secrets["text"]) == ("missing", "Doppler (cafe/dev) lacks GONE, LOST")
    assert secrets["fix"] == "doppler secrets set GONE --project cafe --config dev"
    assert patient.run("doctor", declaring.root).stdout.endswith("\nMissing: secrets\n")


@pytest.mark.parametrize(
    ("environ", "name", "text"),
    [
        ({"DOPPLER_TOKEN": "dp.st.dev.unknown"}, "Doppler", "Doppler does not accept DOPPLER_TOKEN"),
        ({"DOPPLER_TOKEN": "", "PREDEPLOY_SECRETS_PROVIDER": "doppler"}, "token", "DOPPLER_TOKEN is not set"),
        ({"DOPPLER_TOKEN": "", "PREDEPLOY_ENVIRONMENT": "staging"}, "token", "DOPPLER_TOKEN is not set"),
        ({"PREDEPLOY_SECRETS_FILE": "gone"}, "secrets", "secrets_file: gone cannot be read"),
        ({"PREDEPLOY_SECRETS_PROVIDER": "env"}, "secrets", "the environment of this command lacks KEY"),
        ({"DOPPLER_API_HOST": "http://example.test"}, "Doppler", "DOPPLER_API_HOST is not the https URL"),
        ({"PREDEPLOY_JOBS": "many"}, "stack", "PREDEPLOY_JOBS: must be a whole number"),
    ],
)
def test_problem_is_reported_together_with_the_other_findings(
    patient: Caller, declaring: TinyStack, environ: dict[str, str], name: str, text: str
) -> None:
    ended = replace(patient, environ={**patient.environ, **environ}).run("doctor", declaring.root, "--json-output")

    assert ended.code == 3, ended.transcript
    found = findings(ended)
    assert found[name]["state"] == "missing"
    assert found[name]["text"].startswith(text)
    assert all(each["fix"] for each in found.values() if each["state"] == "missing")
    assert found["cache"]["state"] == "well"


@pytest.mark.parametrize("fault", [silence, refuse(403, "No")])
def test_doppler_that_does_not_answer(patient: Caller, declaring: TinyStack, doppler: Doppler, fault: Any) -> None:
    doppler.always = fault

    ended = patient.run("doctor", declaring.root, "--json-output")

    assert ended.code == 3
    assert states(ended)["Doppler"] == "missing"


def test_doctor_waits_for_doppler_no_longer_than_a_run_and_three_seconds() -> None:
    assert impatient(Settings()).doppler_limit == DOPPLER_SECONDS == 3.0
    assert impatient(Settings(doppler_limit=1)).doppler_limit == 1


def test_unavailable_engine(patient: Caller, declaring: TinyStack) -> None:
    nowhere = {"_EXPERIMENTAL_DAGGER_RUNNER_HOST": "unix:///nowhere.sock"}

    ended = replace(patient, environ={**patient.environ, **nowhere}).run(
        "doctor", declaring.root, "--engine", "dagger", "--json-output"
    )

    assert ended.code == 3
    assert findings(ended)["engine"]["fix"] == "--engine local"


def test_doctor_shows_the_age_of_a_snapshot(patient: Caller, declaring: TinyStack) -> None:
    keeping = replace(patient, environ={**patient.environ, "PREDEPLOY_DOPPLER_SNAPSHOT": "5"})
    assert keeping.run(declaring.root).code == 0

    ended = keeping.run("doctor", declaring.root, "--json-output")

    assert findings(ended)["snapshot"]["text"] == "the newest is less than a minute old; each serves 5 hours"


def test_without_a_token_nothing_is_missing(caller: Caller, stack: TinyStack) -> None:
    stack.has("plain")
    ended = replace(caller, environ={**caller.environ, "PREDEPLOY_ENGINE": "local"}).run(
        "doctor", stack.root, "--json-output"
    )

    assert ended.code == 0, ended.transcript
    found = findings(ended)
    assert (found["token"]["state"], found["secrets"]["state"]) == ("spare", "well")
    assert found["token"]["fix"] == ""


def test_missing_stack_is_a_finding(patient: Caller) -> None:
    ended = patient.run("doctor", "--json-output")

    assert ended.code == 3
    assert states(ended)["stack"] == "missing"
    assert states(ended)["config"] == "well"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_cache(patient: Caller, declaring: TinyStack) -> None:
    ended = replace(patient, environ={**patient.environ, "XDG_CACHE_HOME": "/proc"}).run(
        "doctor", declaring.root, "--json-output"
    )

    assert states(ended)["cache"] == "missing"


def test_help_and_wrong_flags_of_doctor(patient: Caller) -> None:
    shown = patient.run("doctor", "--help")
    wrong = patient.run("doctor", "--stage", "build")

    assert (shown.code, shown.stderr) == (0, "")
    assert re.findall(r"^  --([a-z-]+)", shown.stdout, re.MULTILINE) == [
        *("engine", "environment", "json-output", "debug", "help")
    ]
    wrong.assert_ended(2, "USAGE")


def test_path_of_a_stack_named_doctor(patient: Caller, declaring: TinyStack) -> None:
    target = patient.cwd / "doctor"
    declaring.root.rename(target)

    ended = patient.run("./doctor")

    ended.assert_ended(0, "PASSED")
