"""The MCP server, through the client of the official SDK over stdio."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import Caller
from tests.cli.stack import FAILS, TinyStack

pytest.importorskip("mcp", reason="the optional extra mcp is not installed: ./just setup installs it")

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from flows.cli.actions.mcp_server import LONGEST, shortened


def ask(caller: Caller, cwd: Path, *calls: tuple[str, dict[str, object]]) -> list[str]:
    """The tools of a server with their texts, then its answers to some calls."""

    async def talk() -> list[str]:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "flows.predeploy", "mcp"], env=caller.variables, cwd=cwd
        )
        async with Client(stdio_client(server)) as client:
            answers = [json.dumps([tool.name for tool in (await client.list_tools()).tools])]
            for name, arguments in calls:
                found = await client.call_tool(name, arguments)
                assert not found.is_error, found
                answers += [part.text for part in found.content if part.type == "text"]
            return answers

    return asyncio.run(asyncio.wait_for(talk(), 60))


def test_agent_runs_reads_a_failure_and_its_meaning(caller: Caller, stack: TinyStack) -> None:
    stack.has("good")
    stack.has("bad", f"seq 9999; {FAILS}")

    tools, none, ran, status, failure, unknown, explained = ask(
        caller,
        stack.root,
        ("status", {}),
        ("run", {"only": ["good", "bad"]}),
        ("status", {}),
        ("failure", {"check": "bad"}),
        ("failure", {"check": "absent"}),
        ("explain", {"what": "findings"}),
    )

    assert json.loads(tools) == ["run", "status", "failure", "explain"]
    assert "has no report yet" in none
    assert "failed: bad: " in ran
    assert ran.splitlines()[-1].startswith("PREDEPLOY FAILED exit=1 checks=2 failed=1")
    assert status.splitlines()[-1] == ran.splitlines()[-1]
    assert "- main.py:3 it is broken" in failure
    assert "9999" in failure
    assert "no check absent. Red checks: bad (exit code 2)" in unknown
    assert "What usually fixes it" in explained
    assert max(len(each.encode()) for each in (ran, failure, explained)) <= LONGEST


def test_long_run_goes_on_after_the_answer(caller: Caller, stack: TinyStack) -> None:
    stack.has("slow", "while [ ! -e $1/go ]; do sleep 0.05; done")

    (_, ran) = ask(caller, stack.root, ("run", {"seconds": 0.1}))
    stack.mark("go").touch()
    (_, status) = ask(caller, stack.root, ("status", {"seconds": 30}))

    assert ran.endswith("The run goes on. Call status for its verdict.")
    assert status.splitlines()[-1].startswith("PREDEPLOY PASSED exit=0")


def test_without_the_sdk_the_error_says_how_to_install_it(caller: Caller, green: TinyStack, tmp_path: Path) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "mcp.py").write_text("raise ImportError('No module named mcp')\n")

    ended = replace(caller, cwd=green.root, paths=(*caller.paths, tmp_path / "absent")).run("mcp")

    ended.assert_ended(2, "USAGE")
    assert "pip install 'predeploy[mcp]'" in ended.stderr


@pytest.mark.parametrize("text", ["short", "x" * LONGEST, "é" * LONGEST, "first" + "\n" * 50_000 + "last"])
def test_answers_are_short_and_keep_their_ends(text: str) -> None:
    found = shortened(text)

    assert len(found.encode()) <= LONGEST
    assert (found[:1], found[-1:]) == (text[:1], text[-1:])
    assert (found == text) == (len(text.encode()) <= LONGEST)
