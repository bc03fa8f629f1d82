"""Steps beside a server of the stack: one that ends, listens late, or never does."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local import engine as engine_module
from tasks.steps import SERVER_HOST, SERVER_PORT, Service

SERVER = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[3])); self.end_headers(); self.wfile.write(open("hello.txt", "rb").read())
time.sleep(float(sys.argv[4]))
server = http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("listening", flush=True)
server.serve_forever()
"""
PROBE = """
import sys, time, urllib.error, urllib.request
for _ in range(int(float(sys.argv[2]) / 0.05)):
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
        sys.exit(0)
    except urllib.error.HTTPError as error:
        print("status", error.code); sys.exit(1)
    except OSError:
        time.sleep(0.05)
sys.exit(4)
"""


def serving(*argv: str) -> Service:
    return Service(name="server", argv=argv, cwd=".")


def server(*, status: int = 200, after: float = 0.0) -> Service:
    return serving(sys.executable, "-c", SERVER, SERVER_HOST, SERVER_PORT, str(status), str(after))


def probe(bench: Any, service: Service, patience: float = 5) -> Any:
    url = f"http://{SERVER_HOST}:{SERVER_PORT}/"
    return bench.step(sys.executable, "-c", PROBE, url, str(patience), service=service)


@pytest.mark.parametrize("after", [0.0, 1.0])
async def test_a_server_answers_at_once_or_late(bench: Any, running: Any, after: float) -> None:
    async with bench.engine("served") as engine:
        exit = await engine.run(probe(bench, server(after=after)), bench.log)
        left = running("PREDEPLOY_RUN=served-")

    assert (exit.code, exit.stdout.strip()) == (0, "hello")
    assert exit.service is None
    assert not left
    assert "listening" in bench.log.with_name(bench.log.name + ".server").read_text()
    assert "listening" not in bench.written()


async def test_a_server_that_answers_badly_is_quoted(bench: Any) -> None:
    async with bench.engine() as engine:
        exit = await engine.run(probe(bench, server(status=500)), bench.log)

    assert (exit.code, exit.stdout.strip()) == (1, "status 500")
    assert exit.service is not None
    assert (exit.service.name, exit.service.code, exit.service.signal) == ("server", None, None)
    assert "GET / HTTP/1.1" in exit.service.output


async def test_a_server_that_ends_ends_the_step(bench: Any) -> None:
    service = serving("sh", "-c", "echo settings are wrong >&2; exit 3")
    async with bench.engine() as engine:
        exit = await asyncio.wait_for(engine.run(probe(bench, service, patience=60), bench.log), 10)

    assert (exit.code, exit.trouble) == (None, "")
    assert exit.service is not None
    assert exit.service.code == 3
    assert exit.service.output.strip() == "settings are wrong"


async def test_a_server_that_takes_the_step_down_with_it_is_seen(bench: Any) -> None:
    crashing = f"{SERVER.replace('self.send_response', 'import os; os._exit(9); self.send_response')}"
    service = serving(sys.executable, "-c", crashing, SERVER_HOST, SERVER_PORT, "200", "0")
    code = "import sys, time, urllib.request; time.sleep(1); urllib.request.urlopen(sys.argv[1])"
    step = bench.step(sys.executable, "-c", code, f"http://{SERVER_HOST}:{SERVER_PORT}/", service=service)
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert exit.service is not None
    assert exit.service.code == 9


async def test_a_server_that_never_listens_is_told_of(bench: Any, running: Any) -> None:
    service = serving("sh", "-c", "echo waiting for godot; trap '' TERM; sleep 300")
    async with bench.engine("deaf") as engine:
        exit = await engine.run(probe(bench, service, patience=0.5), bench.log)
        left = running("PREDEPLOY_RUN=deaf-")

    assert exit.code == 4
    assert exit.service is not None
    assert (exit.service.code, exit.service.output.strip()) == (None, "waiting for godot")
    assert "never listened on 127.0.0.1:" in exit.detail
    assert not left


async def test_a_step_that_hangs_beside_its_server_runs_into_its_limit(bench: Any) -> None:
    step = bench.step("sleep", "300", service=server(), limit=0.5)
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.timed_out) == (None, True)
    assert exit.service is not None


async def test_a_port_that_somebody_else_took_is_no_verdict(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        monkeypatch.setattr(engine_module, "pick_port", lambda: squatter.getsockname()[1])
        step = bench.step("sleep", "60", service=server())
        async with bench.engine() as engine:
            exit = await engine.run(step, bench.log)

    assert (exit.code, exit.trouble) == (None, "port_taken")


async def test_cancelling_ends_server_and_step(bench: Any, running: Any, until: Any) -> None:
    log = bench.log.with_name(bench.log.name + ".server")
    async with bench.engine("stopped") as engine:
        task = asyncio.create_task(engine.run(bench.step("sleep", "300", service=server()), bench.log))
        await until(lambda: log.exists() and "listening" in log.read_text())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not running("PREDEPLOY_RUN=stopped-")


async def test_server_and_step_share_the_workspace(bench: Any) -> None:
    service = serving("sh", "-c", "pwd > where; sleep 300")
    step = bench.step("sh", "-c", "until test -s where; do sleep 0.05; done; cat where", service=service)
    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert exit.stdout.strip() == exit.root
    assert Path(exit.root).name.startswith("slot-")
