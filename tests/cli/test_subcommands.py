"""Subcommands: their output on stdout, their exit codes, and that they start no run."""

import http.client
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import FAILS, TinyStack
from tests.flows.harness import rows, servers_below


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), (FAILS, 1)])
def test_status_shows_the_newest_run(caller: Caller, stack: TinyStack, script: str, code: int) -> None:
    stack.has("once", f"echo >> $1/ran; {script}")
    ran = caller.run(stack.root)

    shown = caller.run("status", stack.root)

    assert (ran.code, shown.code, shown.stderr) == (code, code, "")
    assert shown.stdout.splitlines()[-1] == ran.stdout.splitlines()[-1]
    assert "The files have changed since the run" not in shown.stdout
    assert stack.mark("ran").read_text() == "\n"


def test_status_warns_if_the_files_have_changed(caller: Caller, green: TinyStack) -> None:
    document = caller.run(green.root, "--json-output").document
    (green.root / "main.py").write_text("print('changed')\n")
    here = replace(caller, cwd=green.root)

    shown, as_json = here.run("status"), here.run("status", "--json-output")

    shown.assert_ended(0, "PASSED")
    assert "The files have changed since the run: this is no verdict" in shown.stdout
    assert json.loads(as_json.stdout) == document


def test_status_of_a_gate_and_of_what_it_lacked(caller: Caller, green: TinyStack) -> None:
    green.has_site()
    green.git("add", "--all")
    green.git("commit", "--quiet", "--message", "all")
    caller.run(green.root, "--gate", "--engine", "local")

    shown = caller.run("status", green.root)

    assert re.search(
        r"  the gate on commit [0-9a-f]{40}, engine local\nReady to deploy!\nPREDEPLOY PASSED", shown.stdout
    )


def test_status_without_a_run(caller: Caller, green: TinyStack) -> None:
    ended = caller.run("status", green.root)

    ended.assert_ended(2, "USAGE")
    assert "has no report yet" in ended.stderr


def test_status_of_a_report_that_was_committed(caller: Caller, green: TinyStack) -> None:
    caller.run(green.root)
    green.git("add", "--force", ".predeploy")

    shown, ran = caller.run("status", green.root), caller.run(green.root)

    for ended in (shown, ran):
        ended.assert_ended(2, "USAGE")
        assert ".predeploy: git tracks it" in ended.stderr


def test_status_of_a_report_that_is_broken(caller: Caller, green: TinyStack) -> None:
    caller.run(green.root)
    (green.root / ".predeploy/latest/report.json").write_text("{}")

    ended = caller.run("status", green.root)

    ended.assert_ended(3, "ERRORED")
    assert "report.json cannot be read" in ended.stderr


@pytest.mark.parametrize(
    "change",
    [
        '"exit_code": 0, "result": "failed"',
        '"exit_code": 1e999',
        f'"exit_code": {"9" * 5000}',
        f'"counts": {"[" * 100_000}{"]" * 100_000}',
        r'"reason": "\u001b[2J\u001b]0;owned\u0007"',
        '"duration_seconds": "long"',
    ],
    ids=lambda text: text[:24],
)
def test_status_believes_no_report_of_a_stranger(caller: Caller, stack: TinyStack, change: str) -> None:
    place = stack.root / ".predeploy/runs/20260101T000000Z-aaaaaa"
    place.mkdir(parents=True)
    (stack.root / ".predeploy/.gitignore").write_text("*\n")
    (place / "report.json").write_text(f'{{"result": "passed", "exit_code": 0, {change}}}')
    (stack.root / ".predeploy/latest").symlink_to(f"runs/{place.name}")

    shown, as_json = caller.run("status", stack.root), caller.run("status", stack.root, "--json-output")

    for ended in (shown, as_json):
        ended.assert_ended(2, "USAGE")
        assert "is no report of predeploy" in ended.stderr
        assert "\x1b" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ["status", "ui", "doctor", "maintain"])
def test_help_and_wrong_flags(caller: Caller, name: str) -> None:
    helped, wrong = caller.run(name, "--help"), caller.run(name, "--bogus")

    assert (helped.code, helped.stderr) == (0, "")
    assert helped.stdout.startswith(f"usage: python -m flows.predeploy {name}")
    assert max(map(len, helped.stdout.splitlines())) <= 80
    wrong.assert_ended(2, "USAGE")
    assert "--bogus: no such flag" in wrong.stderr


def test_directory_with_the_name_of_a_subcommand(caller: Caller, stack: TinyStack) -> None:
    stack.has("words")
    stack.root.rename(caller.cwd / "status")

    caller.run("./status").assert_ended(0, "PASSED")


def test_ui_without_an_available_server(caller: Caller) -> None:
    ended = replace(caller, environ={"PREFECT_API_URL": NOWHERE}).run("ui")

    ended.assert_ended(3, "ERRORED")
    assert f"Prefect's server at {NOWHERE} does not answer" in ended.stderr


@pytest.mark.real
def test_ui_serves_the_history_of_runs(recorded: Caller, green: TinyStack, warm_home: Path) -> None:
    document = recorded.run(green.root, "--json-output").document
    before = servers_below(warm_home)

    ended = replace(recorded, environ={"CI": "1"}).run("ui")

    assert (ended.code, ended.stderr) == (0, "")
    url = urlsplit(ended.stdout.strip())
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    connection.request("GET", "/runs", headers={"Accept": "text/html"})  # as the browser of another user does
    other = connection.getresponse()
    assert (other.status, b"predeploy ui" in other.read()) == (401, True)
    connection.request("GET", f"{url.path}?{url.query}")
    opened = connection.getresponse()
    opened.read()
    assert (opened.status, opened.headers["Location"]) == (303, "/runs")
    mine = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
    connection.request("GET", "/runs", headers={"Accept": "text/html", **mine})  # as a browser does
    page = connection.getresponse()
    assert (page.status, b"<html" in page.read()) == (200, True)
    connection.request("GET", f"/api/flow_runs/{document['run']['url'].rpartition('/')[2]}", headers=mine)
    assert json.loads(connection.getresponse().read())["state_name"] == "Completed"
    assert servers_below(warm_home) == before


@pytest.mark.slow
@pytest.mark.real
def test_maintain_keeps_the_history_short_and_reports(recorded: Caller, green: TinyStack, warm_home: Path) -> None:
    old, new = (recorded.run(green.root, "--json-output").document["run"]["url"].rpartition("/")[2] for _ in range(2))
    (database,) = warm_home.glob(".local/share/predeploy/prefect-*/prefect.db")
    begun = "2020-01-01 00:00:00.000000"
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("update flow_run set expected_start_time = ? where id = ?", (begun, old))

    ended = recorded.run("maintain", "--gigabytes", "1000")

    assert (ended.code, ended.stderr) == (0, "")
    said = ended.stdout.splitlines()
    assert re.fullmatch(r"cache: [\d,]+ MB, [\d,]+ MB before; 0 gone", said[0])
    assert re.fullmatch("Dagger engine: (left as it is: .+|.+ before)", said[1])
    assert said[2:] == ["reports: 0 MB, 0 MB before; 0 gone", "history: 1 gone"]
    left = {run for (run,) in rows(database.parent, "select id from flow_run")}
    assert (old in left, new in left) == (False, True)
    artifacts = rows(database.parent, "select data from artifact where key = 'maintain-disk'")
    assert "history: 1 gone" in str(artifacts)


def test_maintain_without_a_server(caller: Caller) -> None:
    ended = replace(caller, environ={"PREFECT_API_URL": NOWHERE}).run("maintain")

    ended.assert_ended(3, "ERRORED")
    assert "does not answer" in ended.stderr


DJANGO = {
    "manage.py": "import django\n",
    "config/settings.py": "",
    "config/wsgi.py": "import os, django\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\n",
    "requirements.txt": "django==5.2.1\ngunicorn==23.0.0\n",
    "Procfile": "web: gunicorn config.wsgi\n",
}


def test_inspect_prints_facts_with_their_places(caller: Caller, green: TinyStack) -> None:
    for path, text in DJANGO.items():
        (green.root / path).parent.mkdir(exist_ok=True)
        (green.root / path).write_text(text)

    shown, as_json = caller.run("inspect", green.root), caller.run("inspect", green.root, "--json-output")
    listed = caller.run(green.root, "--list", "--json-output")

    assert (shown.code, shown.stderr) == (0, "")
    assert re.search(r"settings  config\.settings\n +config/wsgi\.py:2: the default in wsgi\.py\n", shown.stdout)
    assert re.search(r"server    gunicorn config\.wsgi\n +Procfile:1: ", shown.stdout)
    component = json.loads(as_json.stdout)["components"][0]
    facts = {fact["topic"]: fact for fact in component["facts"]}
    assert (facts["server"]["file"], facts["server"]["line"], facts["server"]["guess"]) == ("Procfile", 1, False)
    assert "words" in [check["name"] for check in json.loads(listed.stdout)["checks"]]
    assert not (green.root / ".predeploy").exists()


def test_inspect_without_a_component(caller: Caller, green: TinyStack) -> None:
    ended = caller.run("inspect", green.root)

    ended.assert_ended(2, "USAGE")
    assert "no component" in ended.transcript
