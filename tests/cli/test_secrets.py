"""Secrets through the command line: missing ones stop the run at once, and printed ones are masked everywhere."""

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.cli.caller import Caller, Ended
from tests.cli.stack import TinyStack
from tests.cli.test_outcomes import status_of
from tests.support.benches import GIVEN, unreachable

CANARY = "c4n4ry/+Zq\"w'e&r=t?y<u>\\ö 7Kx2mPv9"
LINES = "-----BEGIN CANARY-----\nMIIEvQ4c4n4ryANBgkqhkiG9w0BAQ\nEFAASCc4n4ryBKcwggSjAgEAAoIB\n-----END CANARY-----"
MARKED = "c4n4ry\x1b[1mSpl1t\u202e-Ym\u200b9vQ2xTd"
INVISIBLE = re.compile(
    "\x1b(?:\\[[0-9;]*m|\\]8;;[a-z]*\x07)|[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)
LEAK = """
import base64, json, os, sys, textwrap, time, urllib.parse
unseen = ["\\x1b[1;31m", "\\0", "\\u202e", "\\u200b", "\\x1b]8;;link\\x07", "\\x1b[0m\\0\\u200f"]
for value in (os.environ["CANARY"], os.environ["LINES"], os.environ["MARKED"]):
    for mark in unseen:
        for at in (3, len(value) // 2, len(value) - 3):
            print("main.py:3: error: " + value[:at] + mark + value[at:], file=sys.stderr)
            print(value[:at] + mark + value[at:], json.dumps(value[:at] + mark + value[at:]), flush=True)
    print(mark.join(value))
for value in (os.environ["CANARY"], os.environ["LINES"]):
    raw = value.encode()
    print(raw.decode().encode("utf-16-le").decode("latin-1"))
    print(value, repr(value), json.dumps(value), json.dumps({"a": json.dumps([value])}), flush=True)
    for before in range(3):
        print(base64.b64encode(b"u" * before + raw), base64.urlsafe_b64encode(b"u" * before + raw).decode())
    print(base64.encodebytes(b"Basic: " + raw * 2).decode(), file=sys.stderr)
    print(urllib.parse.quote(value, safe=""), urllib.parse.quote(value), urllib.parse.quote_plus(value), raw.hex())
    print("main.py:3: error: " + " ".join(value.split()), file=sys.stderr)
    print("\\n   ".join(value[at : at + 10] for at in range(0, len(value), 10)))
    for at in range(0, len(raw), 7):
        for stream in (sys.stdout, sys.stderr):
            stream.buffer.write(raw[at : at + 7]); stream.flush()
            time.sleep(0.02)
    print("x" * 300000, end=value)
def charge(key):
    raise RuntimeError(f"no charge with {key!r}")
charge(os.environ["CANARY"] + " ".join(os.environ["LINES"].split()))
"""
OVERHEARD = 'import os; print(os.environ.get("CANARY", "nothing"), os.environ.get("PIN", "nothing"))'


def declare(stack: TinyStack, *rows: tuple[str, str, list[str]], python: str = sys.executable) -> None:
    """Adds checks to the stack; each runs a Python program and declares secret names."""
    for name, program, names in rows:
        (stack.root / f"{name}.py").write_text(program)
        row = {"name": name, "stage": "quality", "run": [python, f"{name}.py"], "secrets": names}
        stack.rows.append("[[check]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in row.items()))
    (stack.root / "predeploy.toml").write_text("\n".join(stack.rows))


LEAKING: tuple[tuple[str, str, list[str]], ...] = (
    ("leak", LEAK, ["CANARY", "LINES", "MARKED"]),
    ("other", OVERHEARD, []),
    ("pin", OVERHEARD, ["PIN"]),
)
CRASHES = """
import os
import {module} as module
# read at once, because the variable is removed from the environment before the crash
canary = os.environ.get("CANARY", "")
def crash(*_, **__): raise RuntimeError("all of a sudden: " + canary)
module.{name} = crash
"""


@pytest.fixture
def leaking(stack: TinyStack) -> TinyStack:
    """A stack with a check that prints its secrets in many ways, one without secrets, and one with a short secret."""
    declare(stack, *LEAKING)
    return stack


SINKS = {"report.json", "summary.json", "report.txt", "report.md", "report.html", "report.sarif", "junit.xml"}
SINKS |= {"gl-code-quality-report.json", "trace.json", "logs"}
SECRETS = {"CANARY": CANARY, "LINES": LINES, "MARKED": MARKED, "PIN": "1234"}


def traces() -> set[bytes]:
    """Returns the bytes to search for: parts of each value that stay the same in any context, in each encoding."""
    found = set()
    for value in (CANARY, *LINES.splitlines()):
        raw = value.encode()
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), repr(value)[1:-1].encode()}
        found |= {json.dumps(value)[1:-1].encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode()}
        found |= {quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()}
    for value in (CANARY, LINES):
        for before in range(3):
            text = base64.b64encode(b"u" * before + value.encode())[4:-4]
            found |= {piece.translate(bytes.maketrans(b"+/", b"-_")) for piece in parts(text)} | parts(text)
    # the middle of the value also matches if the rest was cut, escaped or wrapped
    marked = {b"Spl1t", MARKED[-8:].encode()}
    return found | marked | {b"c4n4ry", CANARY[-8:].encode(), base64.b64encode(b"c4n4ry")}


def parts(text: bytes) -> set[bytes]:
    return {text[at : at + 16] for at in range(0, len(text) - 16, 8)}


def everything(ended: Ended, *places: Path) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of the streams and of each file below `places`."""
    yield "stdout", ended.stdout.encode()
    yield "stderr", ended.stderr.encode()
    for path in (path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()):
        yield str(path), path.name.encode() + path.read_bytes()


def assert_no_trace(ended: Ended, *places: Path) -> None:
    wanted = traces()
    seen = 0
    for name, content in everything(ended, *places):
        seen += 1
        # also finds values that were wrapped or indented, or have something invisible inside
        shown = INVISIBLE.sub("", content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        flat = shown.translate(None, b" \t\r\n")
        # the check's program contains the word, but no value; it is copied to its working directory
        hits = (
            [trace for trace in wanted if trace in content or trace in shown or trace in flat]
            if not name.endswith("leak.py")
            else []
        )
        assert not hits, f"{name}: {hits}\n{around(content, shown, hits)}\n{ended.transcript}"
    assert seen > 10


def around(content: bytes, shown: bytes, hits: list[bytes]) -> str:
    """Returns the text around the first place of each hit, as pytest shortens a long file name in its summary."""
    places = [(text, text.find(hit)) for hit in hits for text in (content, shown)]
    return "\n".join(repr(text[max(0, at - 200) : at + 200]) for text, at in places if at >= 0)


@pytest.mark.parametrize("provider", ["env", "file"])
def test_secrets_that_a_check_prints_are_found_nowhere(caller: Caller, leaking: TinyStack, provider: str) -> None:
    asked = on_github(arranged(replace(caller, environ=dict(caller.environ)), leaking, provider), leaking)

    for flags in ([], ["--json-output"], ["--output", "agent"]):
        ended = asked.run(leaking.root, *flags)

        assert ended.code == 1, ended.transcript
        assert "::error " in ended.stdout + ended.stderr
        assert_no_trace(ended, leaking.root / ".predeploy", caller.home, leaking.mark("summary"))
    assert "***" in (leaking.mark("summary") / "page.md").read_text()
    log = (leaking.root / ".predeploy/latest/logs/leak.log").read_text()
    assert "RuntimeError: no charge with" in log
    assert log.count("***") > 20
    assert (leaking.root / ".predeploy/latest/logs/other.log").read_text().count("nothing nothing") == 1


def arranged(caller: Caller, stack: TinyStack, provider: str) -> Caller:
    """Returns a caller with the secrets in its environment, or in a file that only its owner may read."""
    if provider == "env":
        return replace(caller, environ={**caller.environ, **SECRETS})
    file = stack.marks / "secrets"
    file.write_text("".join(f"{name}={quoted(value)}\n" for name, value in SECRETS.items()))
    file.chmod(0o600)
    return replace(caller, environ={**caller.environ, "PREDEPLOY_SECRETS_FILE": str(file)})


def on_github(caller: Caller, stack: TinyStack) -> Caller:
    """Returns a caller in GitHub Actions, with the page of its step in `marks`."""
    stack.mark("summary").mkdir()
    page = str(stack.mark("summary") / "page.md")
    return replace(caller, environ={**caller.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": page})


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.mark.real
def test_secrets_are_not_found_in_prefect(recorded: Caller, leaking: TinyStack, warm_home: Path) -> None:
    ended = arranged(recorded, leaking, "env").run(leaking.root, "--json-output")

    assert status_of(ended.document) == {"leak": "failed", "other": "passed", "pin": "passed"}
    assert ended.document["run"]["unrecorded"] is None, ended.transcript
    databases = [path for path in warm_home.rglob("prefect.db*") if path.stat().st_size]
    assert databases
    assert any(b"***" in path.read_bytes() for path in databases)
    assert_no_trace(ended, leaking.root / ".predeploy", warm_home)


@pytest.mark.real
@pytest.mark.network
@pytest.mark.skipif(bool(unreachable()), reason="no engine of containers is in reach")
def test_secrets_are_not_found_in_the_output_of_containers(recorded: Caller, stack: TinyStack, warm_home: Path) -> None:
    """Dagger's own log, next to the logs of the checks, contains none either."""
    declare(stack, *LEAKING, python="python3")
    caller = replace(recorded, environ={**recorded.environ, **GIVEN})

    ended = arranged(caller, stack, "env").run(stack.root, "--json-output", "--engine", "dagger")

    assert status_of(ended.document) == {"leak": "failed", "other": "passed", "pin": "passed"}, ended.transcript
    assert (ended.document["engine"]["name"], ended.document["run"]["unrecorded"]) == ("dagger", None), ended.transcript
    assert (stack.root / ".predeploy/latest/logs/leak.log").read_text().count("***") > 20
    assert (stack.root / ".predeploy/latest/logs/dagger.log").stat().st_size
    assert_no_trace(ended, stack.root / ".predeploy", warm_home)


def test_values_that_are_too_short_are_reported_once(caller: Caller, leaking: TinyStack) -> None:
    ended = arranged(caller, leaking, "env").run(leaking.root, "--only", "pin", "--only", "leak")

    assert ended.stdout.count("PIN: too short to be masked where a check prints it") == 1, ended.transcript
    assert "nothing 1234" in (leaking.root / ".predeploy/latest/logs/pin.log").read_text()


def test_missing_secrets_are_reported_before_any_check_runs(caller: Caller, leaking: TinyStack) -> None:
    leaking.has("marks", "touch $1/ran")

    ended = replace(caller, environ={**caller.environ, "CANARY": CANARY}).run(leaking.root)

    ended.assert_ended(3, "ERRORED")
    assert "  LINES, declared by leak\n  MARKED, declared by leak\n  PIN, declared by pin\n" in ended.stderr
    assert "no value in the environment of this command" in ended.stderr
    assert "CANARY" not in ended.stderr
    assert not any(leaking.marks.iterdir())
    assert not leaking.runs


def test_report_has_the_names_and_their_provider(caller: Caller, leaking: TinyStack) -> None:
    ended = arranged(caller, leaking, "env").run(leaking.root, "--only", "pin", "--json-output")

    assert ended.document["secrets"] == {
        "source": "the environment of this command",
        "names": ["PIN"],
        "stale": None,
    }
    assert "secrets the environment of this command: PIN" in ended.stderr


def test_only_secrets_of_selected_checks_are_required(caller: Caller, leaking: TinyStack) -> None:
    ended = caller.run(leaking.root, "--only", "other")

    ended.assert_ended(0, "PASSED")


def test_plan_needs_no_secrets(caller: Caller, leaking: TinyStack) -> None:
    assert caller.run(leaking.root, "--plan").code == 0


@pytest.mark.parametrize(
    ("module", "name"), [("flows.cli.session", "publish"), ("tasks.validation.validation", "give_verdict")]
)
def test_traceback_of_a_crash_shows_no_secret(
    caller: Caller, leaking: TinyStack, tmp_path: Path, module: str, name: str
) -> None:
    crashing = tmp_path / "crashing"
    crashing.mkdir()
    (crashing / "sitecustomize.py").write_text(CRASHES.format(module=module, name=name))
    asked = arranged(replace(caller, paths=(*caller.paths, crashing)), leaking, "env")

    ended = asked.run(leaking.root, "--debug")

    assert (ended.code, ended.last["word"]) == (3, "ERRORED"), ended.transcript
    assert ended.stderr.count("RuntimeError: all of a sudden: ***") == 2, ended.transcript
    assert_no_trace(ended, leaking.root / ".predeploy", caller.home)


BREAKS_IN_BACKGROUND = """
import asyncio, gc, logging, os, sys, threading
import flows.cli.session as module
canary, original = os.environ.get("CANARY", ""), module.publish
def boom(): raise RuntimeError("in a thread: " + canary)
async def bang(): raise RuntimeError("in a task: " + canary)
def publish(*args, **kwargs):
    thread = threading.Thread(target=boom)
    thread.start()
    thread.join()
    asyncio.get_running_loop().create_task(bang())
    logging.getLogger("some.library").error("logged: %s", canary)
    print("printed:", canary, file=sys.stderr)
    return original(*args, **kwargs)
module.publish = publish
"""


def test_traceback_of_a_thread_or_task_shows_no_secret(caller: Caller, leaking: TinyStack, tmp_path: Path) -> None:
    breaking = tmp_path / "breaking"
    breaking.mkdir()
    (breaking / "sitecustomize.py").write_text(BREAKS_IN_BACKGROUND)
    asked = arranged(replace(caller, paths=(*caller.paths, breaking)), leaking, "env")

    ended = asked.run(leaking.root, "--only", "other", "--only", "leak")

    assert ended.code == 1, ended.transcript
    for said in ("in a thread", "in a task", "logged", "printed"):
        assert f"{said}: ***" in ended.stderr, ended.transcript
    assert_no_trace(ended, leaking.root / ".predeploy", caller.home)


def test_document_on_stdout_is_json_whatever_the_secret_is(caller: Caller, stack: TinyStack) -> None:
    """The mask of the stream took `n1234567` out of an escaped line end, and words out of the schema."""
    declare(stack, ("broken", "print('main.py:3: error: x\\n1234567 \\u2028 failed'); exit(1)", ["CANARY", "LINES"]))
    environ = {**caller.environ, "CANARY": "n1234567", "LINES": "failed"}

    ended = replace(caller, environ=environ).run(stack.root, "--json-output")

    assert status_of(ended.document) == {"broken": "failed"}, ended.transcript
    assert ended.document == stack.report()
