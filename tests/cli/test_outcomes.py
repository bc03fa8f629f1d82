"""All outcomes of a run: exit code, verdict line, document and report agree."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.caller import Caller, Ended
from tests.cli.stack import BREAKS, FAILS, TinyStack


def status_of(document: dict[str, Any]) -> dict[str, str]:
    """Returns the status of each check by name."""
    return {check["name"]: check["status"] for stage in document["stages"].values() for check in stage["checks"]}


def reasons_of(document: dict[str, Any]) -> dict[str, str]:
    """Returns the reason codes by check name, without empty ones."""
    found = {check["name"]: check["reason_code"] for stage in document["stages"].values() for check in stage["checks"]}
    return {name: code for name, code in found.items() if code}


def assert_agreed(ended: Ended, stack: TinyStack, code: int, word: str) -> dict[str, Any]:
    """Asserts that exit code, verdict line, document and published report agree; returns the document."""
    ended.assert_ended(code, word)
    document = ended.document
    assert (document["exit_code"], document["result"]) == (code, word.lower())
    assert stack.report() == document
    counts = {key: str(document["counts"][key]) for key in ("checks", "failed", "errored", "skipped")}
    assert counts.items() <= ended.last.items()
    assert Path(ended.last["report"]) == stack.root / f".predeploy/runs/{document['run']['id']}/report.json"
    assert stack.hidden == []
    return document


@pytest.mark.parametrize(
    ("below", "start"),
    [(".", ".predeploy/runs/"), ("..", "{stack.name}/.predeploy/runs/"), ("../elsewhere", "{stack}/")],
)
def test_printed_paths_open_in_the_current_directory(caller: Caller, stack: TinyStack, below: str, start: str) -> None:
    stack.has("words", FAILS)
    here = replace(caller, cwd=(stack.root / below).resolve())

    ended = here.run(stack.root)
    status = here.run("status", stack.root)

    ended.assert_ended(1, "FAILED")
    (log,) = re.findall(r"log[:=] ?(\S+\.log)", ended.stdout)
    begin = start.format(stack=stack.root)
    assert ended.last["report"].startswith(begin)
    assert log.startswith(begin)
    assert (here.cwd / log).is_file()
    assert (here.cwd / ended.last["report"]).is_file()
    assert status.last["report"] == ended.last["report"]


def test_paths_in_the_files_of_a_run_are_relative_to_the_stack(caller: Caller, stack: TinyStack) -> None:
    stack.has("words", FAILS)

    caller.run(stack.root)

    (check,) = stack.report()["stages"]["quality"]["checks"]
    assert (stack.root / check["log"]).is_file()
    assert f"log: {check['log']}" in (stack.root / ".predeploy/latest/report.txt").read_text()


def test_checks_of_the_stacks_own_are_something_to_do(caller: Caller, green: TinyStack) -> None:
    green.has_site()
    green.has("talks", "echo all is well")
    before = green.content()

    ended = caller.run(green.root)

    ended.assert_ended(0, "PASSED")
    assert "Ready to deploy!\n\nPREDEPLOY PASSED" in ended.stdout
    assert "Prefect: ImportError: not in this test" in ended.stdout
    report = green.report()
    assert (report["result"], report["ready"]) == ("passed", True)
    assert report["counts"]["warnings"] == 0
    assert green.content() == before


def test_a_stack_without_a_component_passes_but_is_not_ready(caller: Caller, green: TinyStack) -> None:
    ended = caller.run(green.root)

    ended.assert_ended(0, "PASSED")
    assert "Ready to deploy!" not in ended.stdout
    assert "PASSED (partial: no Django project, Worker or static site was found" in ended.stdout
    assert not green.report()["ready"]


def test_a_failed_check_beats_one_without_a_verdict(caller: Caller, green: TinyStack) -> None:
    green.has("broken", FAILS)
    green.has("lame", BREAKS)
    green.has("after", needs="broken")

    document = assert_agreed(caller.run(green.root, "--json-output"), green, 1, "FAILED")

    assert status_of(document) == {
        "words": "passed",
        "broken": "failed",
        "lame": "errored",
        "after": "skipped",
        "later": "passed",
    }


def test_errored_check(caller: Caller, green: TinyStack) -> None:
    green.has("lame", BREAKS)

    document = assert_agreed(caller.run(green.root, "--json-output"), green, 3, "ERRORED")

    assert status_of(document)["lame"] == "errored"


def test_budget_ends_the_run_and_reports_the_checks_that_did_not_run(caller: Caller, green: TinyStack) -> None:
    green.has("endless", "echo $$ > $1/endless; exec sleep 60")
    green.has("waiting", needs="endless")

    ended = caller.run(green.root, "--json-output", "--budget", "2", "--jobs", "1", "--only", "waiting")

    document = assert_agreed(ended, green, 124, "BUDGET")
    assert reasons_of(document) == {"endless": "budget", "waiting": "budget"}
    assert status_of(document) == {"endless": "errored", "waiting": "skipped"}
    assert "not run: the budget of 2 s is spent" in ended.stderr
    assert document["duration_seconds"] >= 2
    assert document["stages"]["quality"]["duration_seconds"] < 4.5


def test_failed_check_takes_precedence_over_the_budget(caller: Caller, stack: TinyStack) -> None:
    stack.has("broken", FAILS)
    stack.has("endless", "exec sleep 60", needs="")

    document = assert_agreed(caller.run(stack.root, "--json-output", "--budget", "1.5"), stack, 1, "FAILED")

    assert status_of(document) == {"broken": "failed", "endless": "errored"}


def test_fail_fast_stops_after_the_first_red_check(caller: Caller, stack: TinyStack) -> None:
    stack.has("broken", FAILS)
    stack.has("endless", "exec sleep 60")

    document = assert_agreed(caller.run(stack.root, "--json-output", "--fail-fast"), stack, 1, "FAILED")

    assert status_of(document) == {"broken": "failed", "endless": "skipped"}
    assert document["duration_seconds"] < 10


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_jobs_limits_the_concurrent_checks(caller: Caller, stack: TinyStack, jobs: str) -> None:
    # each check creates a file, waits, and counts the files of the checks that run
    count = "touch $1/here-$0; sleep 0.6; ls $1 | grep -c here > $1/seen-$0; rm $1/here-$0"
    for name in ("one", "two", "three"):
        stack.has(name, count)

    caller.run(stack.root, "--jobs", jobs).assert_ended(0, "PASSED")

    assert max(stack.mark(f"seen-{name}").read_text().strip() for name in ("one", "two", "three")) == jobs


def test_rerun_runs_only_the_red_checks(caller: Caller, green: TinyStack) -> None:
    green.has("broken", FAILS)
    first = caller.run(green.root, "--json-output").document

    assert first["rerun"] == f"python -m flows.predeploy {green.root} --only 'broken'"
    again = replace(caller, cwd=green.root).run("--json-output", *first["rerun"].replace("'", "").split()[-2:])
    assert status_of(again.document) == {"broken": "failed"}


@pytest.mark.parametrize("flag", [(), ("--json-output",), ("--list",), ("--help",)], ids=str)
def test_closed_reader_does_not_change_the_exit_code(caller: Caller, green: TinyStack, flag: tuple[str, ...]) -> None:
    green.has("broken", FAILS)
    reader, writer = os.pipe()
    os.close(reader)

    call = caller.start(green.root, *flag, stdout=writer)
    os.close(writer)
    ended = call.wait()

    assert ended.code == (0 if flag in {("--list",), ("--help",)} else 1), ended.transcript
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


def test_output_can_be_piped_to_head(caller: Caller, green: TinyStack) -> None:
    argv = [sys.executable, "-m", "flows.predeploy", str(green.root)]
    call = subprocess.Popen(
        argv, cwd=caller.cwd, env=caller.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert call.stdout is not None
    assert call.stderr is not None
    head = subprocess.run(["head", "-1"], stdin=call.stdout, capture_output=True, text=True, check=True)
    call.stdout.close()

    assert head.stdout.strip("═=\n") == ""
    assert (call.wait(30), "Traceback" in call.stderr.read()) == (0, False)
    call.stderr.close()


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_stream_that_was_closed_before_the_start(caller: Caller, green: TinyStack, closed: str) -> None:
    number = {"stdout": 1, "stderr": 2}[closed]

    ended = caller.run(green.root, preexec_fn=lambda: os.close(number))

    assert ended.code == 0, ended.transcript
    assert green.report()["result"] == "passed"


INJECTED = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {act}
sys.meta_path.insert(0, Finder())
"""


def inject(place: Path, module: str, act: str) -> Path:
    """Creates a directory for Python's path whose `sitecustomize` executes `act` on the import of a module."""
    place.mkdir()
    (place / "sitecustomize.py").write_text(INJECTED.format(module=module, act=act))
    return place


@pytest.mark.parametrize(
    ("module", "flags"),
    [
        ("flows.cli.main", ("--debug",)),
        ("tasks", ("--json-output",)),
        ("tasks.report.document", ("--json-output",)),
        ("flows.cli.session", ("--json-output",)),
        ("tasks.execution.durations", ("--debug",)),
    ],
    ids=str,
)
def test_module_of_predeploy_that_cannot_be_imported(
    caller: Caller, green: TinyStack, tmp_path: Path, module: str, flags: tuple[str, ...]
) -> None:
    broken = inject(tmp_path / "broken", module, "raise ImportError('it is broken')")

    ended = replace(caller, paths=(*caller.paths, broken)).run(green.root, *flags)

    assert (ended.code, ended.last["exit"], ended.last["word"]) == (3, "3", "ERRORED"), ended.transcript
    assert "ImportError: it is broken. It is no verdict on the stack." in ended.stderr
    assert ("Traceback" in ended.stderr) is ("--debug" in flags)
    if "--json-output" in flags:
        assert (ended.document["result"], ended.document["exit_code"]) == ("errored", 3)


CRASHES = """
import {module} as module
def crash(*_, **__): raise RuntimeError("all of a sudden")
module.{name} = crash
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tasks.validation.stack_settings", "discover"),
        ("flows.cli.session", "publish"),
        ("flows.cli.output", "render_text"),
        ("tasks.report.last_line", "last_line"),
    ],
)
def test_crash_in_predeploy(caller: Caller, green: TinyStack, tmp_path: Path, module: str, name: str) -> None:
    place = tmp_path / "crashing"
    place.mkdir()
    (place / "sitecustomize.py").write_text(CRASHES.format(module=module, name=name))

    ended = replace(caller, paths=(*caller.paths, place)).run(green.root)

    ended.assert_ended(3, "ERRORED")
    assert "an internal error of predeploy: RuntimeError: all of a sudden" in ended.stderr
    assert green.hidden == []


def waits_at(place: Path, module: str, seconds: float, then: str = "") -> Path:
    """A place on Python's path where the import of a module takes so long."""
    place.mkdir(exist_ok=True)
    (place / f"{module}.py").write_text(f"import time\ntime.sleep({seconds})\n{then}")
    return place


def test_the_total_is_what_the_caller_waited_for(caller: Caller, green: TinyStack, tmp_path: Path) -> None:
    """From the start of the interpreter, which takes long here, to the end of the recording, which does so too."""
    slow = waits_at(tmp_path / "start", "sitecustomize", 1.5)
    late = waits_at(tmp_path / "recording", "prefect", 2, "raise ImportError('not in this test')")
    patient = replace(caller, paths=(slow, late))

    ended = patient.run(green.root, "--json-output", "--only", "words")

    document = assert_agreed(ended, green, 0, "PASSED")
    waited = document["duration_seconds"]
    assert 3.5 <= waited <= ended.seconds, ended.transcript
    assert ended.last["seconds"] == f"{waited:.1f}"
    assert re.search(rf"Total: {waited:.1f}s", ended.stderr)


@pytest.mark.parametrize("arguments", [["--json-output", "--only", "nothing"], ["--json-output", "nowhere"]])
def test_a_run_that_did_not_begin_took_its_time_too(
    caller: Caller, green: TinyStack, tmp_path: Path, arguments: list[str]
) -> None:
    slow = replace(caller, paths=(waits_at(tmp_path / "start", "sitecustomize", 1), *caller.paths))

    ended = replace(slow, cwd=green.root).run(*arguments)

    ended.assert_ended(2, "USAGE")
    # the kernel gives the start of a process in ticks of 10 ms
    assert 1 <= ended.document["duration_seconds"] <= ended.seconds + 0.02
    assert float(ended.last["seconds"]) >= 1


def test_what_other_checks_wait_for_is_to_be_fixed_first(caller: Caller, stack: TinyStack) -> None:
    stack.has("link", "echo 'page.py:1: error: a dead link' >&2; exit 1")
    stack.has("models", "echo 'models.py:2: error: a broken import' >&2; exit 1")
    stack.has("tables", needs="models")
    stack.has("server", needs="tables")

    ended = caller.run(stack.root)

    ended.assert_ended(1, "FAILED")
    first, second = re.findall(r"^  \d\. (.+)$", ended.stdout.partition("Fix first:")[2], re.MULTILINE)
    assert first.endswith("a broken import (models; 2 skipped)"), ended.transcript
    assert second.endswith("a dead link (link)")
