"""Servers of the stack as processes of this machine: ports, logs, and cleanup."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local import engine as engine_module
from tasks.steps import SERVER_HOST, SERVER_PORT, Service


def serving(*argv: str) -> Service:
    return Service(name="server", argv=argv, cwd=".")


def listening() -> Service:
    return serving(sys.executable, "-u", "-m", "http.server", "--bind", SERVER_HOST, SERVER_PORT)


async def test_output_of_a_server_has_its_own_log(bench: Any, running: Any) -> None:
    wait = f"until grep -q Serving {bench.log}.server; do sleep 0.05; done"
    async with bench.engine("served") as engine:
        exit = await engine.run(bench.step("sh", "-c", wait, services=(listening(),)), bench.log)
        left = running("PREDEPLOY_RUN=served-")

    assert (exit.code, exit.services) == (0, ())
    assert not left
    assert "Serving HTTP" in bench.log.with_name(bench.log.name + ".server").read_text()


async def test_server_that_never_listens_is_reported(bench: Any, running: Any) -> None:
    service = serving("sh", "-c", "echo waiting for godot; trap '' TERM; sleep 300")
    async with bench.engine("deaf") as engine:
        exit = await engine.run(bench.step("sh", "-c", "sleep 0.5; exit 4", services=(service,)), bench.log)
        left = running("PREDEPLOY_RUN=deaf-")

    assert exit.code == 4
    assert (exit.services[0].code, exit.services[0].output.strip()) == (None, "waiting for godot")
    assert "never listened on 127.0.0.1:" in exit.detail
    assert not left


async def test_port_of_another_process_is_no_verdict(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        monkeypatch.setattr(engine_module, "pick_port", lambda: squatter.getsockname()[1])
        step = bench.step("sleep", "60", services=(listening(),))
        async with bench.engine() as engine:
            exit = await engine.run(step, bench.log)

    assert (exit.code, exit.trouble) == (None, "port_taken")


async def test_cancelling_ends_server_and_step(bench: Any, running: Any, until: Any) -> None:
    log = bench.log.with_name(bench.log.name + ".server")
    async with bench.engine("stopped") as engine:
        task = asyncio.create_task(engine.run(bench.step("sleep", "300", services=(listening(),)), bench.log))
        await until(lambda: log.exists() and "Serving HTTP" in log.read_text())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not running("PREDEPLOY_RUN=stopped-")


async def test_server_and_step_share_the_workspace(bench: Any) -> None:
    service = serving("sh", "-c", "pwd > where; sleep 300")
    step = bench.step("sh", "-c", "until test -s where; do sleep 0.05; done; cat where", services=(service,))
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert exit.stdout.strip() == exit.root
    assert Path(exit.root).name.startswith("slot-")
