"""Steps with a server of the stack: servers that end, listen late, or never listen."""

import asyncio
from typing import Any

import pytest

from tasks.exits import Exit
from tasks.steps import CACHE, NONCE, PYTHON, SERVER_HOST, SERVER_PORT, WORK, Service, address_of
from tests.support.benches import Opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVER = """
import http.server, os, sys, time, uuid
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if sys.argv[3] == "crash":
            os._exit(9)
        self.send_response(int(sys.argv[3])); self.end_headers()
        self.wfile.write((open("hello.txt").read() + MINE).encode())
MINE = str(uuid.uuid4())
time.sleep(float(sys.argv[4]))
server = http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("listening", flush=True)
server.serve_forever()
"""
PROBE = """
import sys, time, urllib.error, urllib.request
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
        sys.exit(0)
    except urllib.error.HTTPError as error:
        print("status", error.code); sys.exit(1)
    except ConnectionError:
        sys.exit(1)
    except OSError:
        time.sleep(0.05)
sys.exit(4)
"""


def serving(*argv: str, **over: Any) -> Service:
    return Service(**({"name": "server", "argv": argv, "cwd": "."} | over))


def server(answer: str = "200", *, after: float = 0.0, **over: Any) -> Service:
    return serving(PYTHON, "-c", SERVER, SERVER_HOST, SERVER_PORT, answer, str(after), **over)


async def probe(opened: Opened, service: Service, patience: float = 20, **over: Any) -> Exit:
    url = f"http://{SERVER_HOST}:{SERVER_PORT}/"
    return await opened.run(PYTHON, "-c", PROBE, url, str(patience), services=(service,), **over)


@pytest.mark.parametrize("after", [0.0, 1.0])
async def test_a_server_answers_at_once_or_late(opened: Opened, after: float) -> None:
    exit = await probe(opened, server(after=after))

    assert (exit.code, exit.stdout.partition("\n")[0], exit.services) == (0, "hello", ())


async def test_each_step_has_its_own_server(opened: Opened) -> None:
    said = [(await probe(opened, server(), begins=True)).stdout for _ in range(2)]

    assert said[0].startswith("hello\n")
    assert said[1].startswith("hello\n")
    assert said[0] != said[1]


async def test_servers_of_several_steps_run_concurrently(opened: Opened) -> None:
    urls = (f"http://{SERVER_HOST}:{SERVER_PORT}/", "20")
    steps = [
        opened.run(PYTHON, "-c", PROBE, *urls, slot=f"{opened.bench.slot}-{number}", services=(server(str(code)),))
        for number, code in enumerate((200, 500, 200))
    ]
    exits = await asyncio.gather(*steps)

    assert [exit.code for exit in exits] == [0, 1, 0]


async def test_a_server_runs_in_its_directory_with_its_variables_and_the_files_of_the_step(opened: Opened) -> None:
    await opened.run("sh", "-c", "mkdir -p below; echo built >below/hello.txt")
    argv = ("sh", "-c", 'test "$PWD" = "$PLACE" && exec "$@"', "-", *server().argv)
    exit = await probe(opened, serving(*argv, cwd="below", env=(("PLACE", f"{WORK}/below"),)))

    assert (exit.code, exit.stdout.partition("\n")[0]) == (0, "built"), exit


async def test_output_of_a_server_with_wrong_answers_is_quoted(opened: Opened) -> None:
    exit = await probe(opened, server("500"))

    assert (exit.code, exit.stdout) == (1, "status 500\n")
    assert (exit.services[0].name, exit.services[0].code, exit.services[0].signal) == ("server", None, None)
    assert "listening\n" in exit.services[0].output
    assert "GET / HTTP/1.1" in exit.services[0].output


async def test_a_server_that_ends_ends_the_step(opened: Opened) -> None:
    async with asyncio.timeout(30):
        exit = await probe(opened, serving("sh", "-c", "echo settings are wrong >&2; exit 3"), patience=60)

    assert (exit.code, exit.signal, exit.trouble) == (None, None, "")
    assert (exit.services[0].code, exit.services[0].output) == (3, "settings are wrong")


async def test_server_that_exits_with_0_ends_the_step_too(opened: Opened) -> None:
    exit = await opened.run("sleep", "60", services=(serving("echo", "goodbye"),), limit=70)

    assert exit.code is None
    assert (exit.services[0].code, exit.services[0].output) == (0, "goodbye")


async def test_ended_server_is_started_again_for_the_next_attempt(opened: Opened) -> None:
    """The server ends at its first start, and serves at its second start."""
    once = f"test -e {CACHE}/tried || {{ touch {CACHE}/tried; exit 3; }}"
    argv = ("sh", "-c", f'{once}; exec "$@"', "-", *server().argv)
    first, second = [await probe(opened, serving(*argv), begins=True) for _ in range(2)]

    assert first.services[0].code == 3
    assert (second.code, second.stdout.partition("\n")[0]) == (0, "hello"), second


async def test_server_whose_end_breaks_the_step_is_reported(opened: Opened) -> None:
    exit = await probe(opened, server("crash"), patience=60)

    assert exit.services[0].code == 9
    assert exit.code != 0


async def test_output_of_a_server_that_never_listens_is_quoted(opened: Opened) -> None:
    service = serving("sh", "-c", "echo waiting for godot; trap '' TERM; sleep 300")
    exit = await probe(opened, service, patience=0.5)

    assert (exit.code, exit.trouble) == (4, "")
    assert (exit.services[0].code, exit.services[0].output) == (None, "waiting for godot")


async def test_server_with_a_missing_program_exits_as_in_a_shell(opened: Opened) -> None:
    exit = await opened.run("sleep", "60", services=(serving("no-such-server"),), limit=70)

    assert (exit.code, exit.services[0].code) == (None, 127)


async def test_step_that_hangs_with_its_server_reaches_its_limit(opened: Opened) -> None:
    exit = await opened.run("sleep", "300", services=(server(),), limit=1.0)

    assert (exit.code, exit.timed_out) == (None, True)
    assert exit.services[0].code is None


# Answers with its own word, followed by the answer of the server before it, if there is one.
CHAIN = """
import http.server, sys, urllib.request
host, port, word, *before = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        rest = urllib.request.urlopen(before[0], timeout=5).read().decode() if before else ""
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{word} {rest}".encode())
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""


def url_of(name: str) -> str:
    host, port = address_of(name)
    return f"http://{host}:{port}/"


def link(name: str, word: str, *before: str, **over: Any) -> Service:
    return serving(PYTHON, "-c", CHAIN, *address_of(name), word, *map(url_of, before), name=name, **over)


async def asked(opened: Opened, name: str, *services: Service, patience: float = 20, **over: Any) -> Exit:
    # the servers that it relies on may listen later than itself
    waiting = [url_of(each.name) for each in services]
    script = f"{READY}\n{PROBE}"
    return await opened.run(PYTHON, "-c", script, url_of(name), str(patience), *waiting, services=services, **over)


READY = """
import socket, sys, time, urllib.parse
for url in sys.argv[3:]:
    there = urllib.parse.urlsplit(url)
    while True:
        try:
            socket.create_connection((there.hostname, there.port), 1).close(); break
        except OSError:
            time.sleep(0.05)
"""


async def test_server_reaches_the_servers_that_start_before_it(opened: Opened) -> None:
    exit = await asked(opened, "third", link("first", "a"), link("second", "b", "first"), link("third", "c", "second"))

    assert (exit.code, exit.stdout) == (0, "c b a \n"), exit


async def test_step_and_its_servers_share_a_unique_word(opened: Opened) -> None:
    script = f"{READY}\nprint('{NONCE}')\n{PROBE}"
    services = (link("first", NONCE), link("second", NONCE, "first"))
    said = []
    for _ in range(2):
        urls = (url_of("second"), "20", url_of("first"), url_of("second"))
        exit = await opened.run(PYTHON, "-c", script, *urls, services=services)
        said.append(exit.stdout.split())

    assert [(len(each), len({*each})) for each in said] == [(3, 1), (3, 1)], said
    assert said[0] != said[1]


async def test_the_ended_one_of_several_servers_is_reported(opened: Opened) -> None:
    ends = serving("sh", "-c", "echo no luck; exit 7", name="second")
    exit = await asked(opened, "first", link("first", "a"), ends, limit=70)

    assert exit.code is None
    servers = [(each.name, each.code, each.output) for each in exit.services]
    assert [(name, code) for name, code, _ in servers] == [("first", None), ("second", 7)]
    assert servers[1][2] == "no luck"


async def test_output_of_each_server_of_a_failed_step_is_quoted_by_name(opened: Opened) -> None:
    silent = [serving("sh", "-c", f"echo here is {name}; sleep 300", name=name) for name in ("one", "two")]
    exit = await opened.run("sh", "-c", "sleep 0.5; exit 3", services=tuple(silent))

    assert exit.code == 3
    assert [(each.name, each.output) for each in exit.services] == [("one", "here is one"), ("two", "here is two")]
