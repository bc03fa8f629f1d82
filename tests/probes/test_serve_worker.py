"""serve_worker.mjs with a real Node and the real workerd, on bundles that the tests write."""

import json
import os
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.engines.conformance.packages import node_packages
from tests.probes.conftest import PROBES
from tests.probes.neon_bench import until
from tests.support.benches import Bench, cache_below

pytestmark = [pytest.mark.real, pytest.mark.network]

PACKAGES = Path(__file__).parent / "neon"
FIND = "require('workerd').default"
SAYS = """export default { async fetch(request, env) {
  const url = new URL(request.url);
  if (url.pathname === "/out") return new Response(await (await fetch("https://mail.example/send")).text());
  if (url.pathname === "/throw") throw new TypeError("no beans left");
  return Response.json({ ...env, scheme: url.protocol, country: request.cf.country, text });
} };
import text from "./menu.txt";
"""
OLD = 'addEventListener("fetch", (event) => event.respondWith(new Response(`old ${MODE}`)));\n'
MAP = {"version": 3, "sources": ["../src/worker.ts"], "names": [], "mappings": ";".join(["AAAA", *["AACA"] * 8])}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def programs(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Node and workerd, as an engine installs them."""
    base = tmp_path_factory.mktemp("programs")
    bench = Bench(root=PACKAGES, base=base, cache=cache_below(shared_home))
    # a copy, because other tests use the same workspace
    find = f"cp $(node -p {shlex.quote(FIND)}) {base}/workerd && node -p process.execPath"
    async with bench.engine("programs") as engine:
        found = await engine.run(bench.step("sh", "-c", find, environment=node_packages(bench)), bench.log)
    assert found.code == 0, found
    return found.stdout.strip(), f"{base}/workerd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A Worker's directory, with a wrangler that installed the runtime."""

    root: Path
    node: str
    port: int
    facts: dict[str, Any] = field(default_factory=dict)

    def write(self, code: str, **files: str) -> None:
        """Writes the bundle."""
        bundle = self.root / "out/bundle"
        bundle.mkdir(parents=True)
        for name, text in {
            "index.js": code,
            "index.js.map": json.dumps(MAP),
            "README.md": "no module",
            **files,
        }.items():
            (bundle / name).write_text(text)

    def command(self, outbound: int) -> list[str]:
        places = ["--bundle", str(self.root / "out/bundle"), "--host", "127.0.0.1", "--port", str(self.port)]
        program = str(PROBES / "workerd/serve_worker.mjs")
        return [self.node, program, *places, "--outbound", f"127.0.0.1:{outbound}", "--nonce", "n0nce"]

    def environment(self, **texts: str) -> dict[str, str]:
        given = {"main": "src/index.ts", "date": "", "flags": [], "vars": {}, "bindings": {}, "rules": []}
        places = {"directory": str(self.root), "named": "", "environment": "", "sections": ["kv_namespaces", "assets"]}
        facts = {**given, **places, "texts": [*texts], **self.facts}
        return {"PATH": os.environ["PATH"], "PREDEPLOY_WORKER": json.dumps(facts), **texts}

    def ask(self, path: str = "/", **headers: str) -> tuple[int, Mapping[str, str], str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()
        finally:
            connection.close()

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def stage(tmp_path: Path, programs: tuple[str, str]) -> Stage:
    node, binary = programs
    for name, text in {
        "wrangler": "module.exports = {};",
        "workerd": f"module.exports = {{ default: {json.dumps(binary)}, compatibilityDate: '2026-09-01' }};",
    }.items():
        package = tmp_path / "node_modules" / name
        package.mkdir(parents=True)
        (package / "index.js").write_text(text)
    return Stage(root=tmp_path, node=node, port=free_port())


def free_port() -> int:
    """Returns a port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(stage: Stage, outbound: int = 1, **texts: str) -> Iterator[list[str]]:
    """Serves during the block, then ends the process. The yielded list has each line of its output as it comes."""
    lines: list[str] = []
    process = subprocess.Popen(
        stage.command(outbound), cwd=stage.root, env=stage.environment(**texts), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    output = process.stdout
    reader = threading.Thread(target=lambda: lines.extend(map(str.rstrip, output)))
    reader.start()
    try:
        until(lambda: stage.listens() or process.poll() is not None)
        yield lines
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        reader.join(timeout=20)
        output.close()


def ended(stage: Stage) -> tuple[int, str]:
    """Runs the program until it exits. Returns the exit code and all output."""
    done = subprocess.run(
        stage.command(1),
        cwd=stage.root,
        env=stage.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_worker_without_a_default_export_does_not_pass_requests_on(stage: Stage) -> None:
    stage.write("class Api {}\nexport {\n  Api\n};\n")

    with served(stage):
        status, headers, _ = stage.ask("/")

    assert (status, headers["X-Predeploy-Lacks"]) == (500, "fetch")


def test_the_worker_has_vars_secrets_and_modules(stage: Stage) -> None:
    stage.write(SAYS, **{"menu.txt": 'Crème "brûlée"\n'})
    stage.facts.update(vars={"MODE": 'li"ve\n\x01', "CLIENTS": {"shop": ["ä"]}, "LIMIT": 3}, date="2099-01-01")

    with served(stage, SECRET="s3cret"):
        status, headers, body = stage.ask("/", **{"X-Forwarded-Proto": "https"})

    assert (status, headers["X-Predeploy"]) == (200, "n0nce workerd")
    assert json.loads(body) == {
        "MODE": 'li"ve\n\x01',
        "CLIENTS": {"shop": ["ä"]},
        "LIMIT": 3,
        "SECRET": "s3cret",
        "scheme": "https:",
        "country": "US",
        "text": 'Crème "brûlée"\n',
    }


@pytest.mark.parametrize("named", ["", "dist/server/wrangler.json"])
def test_the_configuration_that_a_build_made_replaces_the_stack_s(stage: Stage, named: str) -> None:
    stage.write("throw new Error('not the entry module');", **{"entry.mjs": SAYS, "menu.txt": "tea"})
    config = stage.root / "dist/server/wrangler.json"
    config.parent.mkdir(parents=True)
    empty = {"kv_namespaces": [], "durable_objects": {"bindings": []}}
    config.write_text(json.dumps({"main": "entry.mjs", "vars": {"MODE": "built", "SECRET": ""}, **empty}))
    if not named:
        pointer = stage.root / ".wrangler/deploy/config.json"
        pointer.parent.mkdir(parents=True)
        pointer.write_text(json.dumps({"configPath": "../../dist/server/wrangler.json"}))
    stage.facts.update(
        vars={"MODE": "written", "OLD": "x"}, bindings={"kv_namespaces": [{"binding": "KV"}]}, named=named
    )

    with served(stage, SECRET="s3cret"):
        body = json.loads(stage.ask()[2])

    assert (body["MODE"], body["SECRET"], body["text"]) == ("built", "s3cret", "tea")
    assert "OLD" not in body


def test_secrets_are_in_no_file(stage: Stage) -> None:
    stage.write(SAYS, **{"menu.txt": ""})
    with served(stage, SECRET="s3cret-value"):
        written = [path for path in (stage.root / "out").iterdir() if path.suffix == ".capnp"]
        assert written
        assert not any("s3cret-value" in path.read_text() for path in written)


def test_outbound_requests_go_to_the_given_address(stage: Stage) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']}{self.path}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ours")

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    stage.write(SAYS, **{"menu.txt": ""})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with served(stage, server.server_port):
        body = stage.ask("/out")[2]
    server.shutdown()

    assert (body, asked) == ("ours", ["mail.example/send"])


def test_an_uncaught_exception_refers_to_the_sources(stage: Stage) -> None:
    stage.write(SAYS, **{"menu.txt": ""})
    with served(stage) as lines:
        status, headers, body = stage.ask("/throw")

    assert (status, headers["X-Predeploy"]) == (500, "n0nce workerd")
    assert "no beans left" in body
    assert lines[:2] == [
        "Uncaught TypeError: no beans left",
        f"    at Object.fetch ({stage.root}/out/src/worker.ts:4:1)",
    ]


@pytest.mark.parametrize(("statement", "outcome"), [("", "ok"), ('throw new TypeError("no beans left");', "exception")])
def test_a_cron_trigger_calls_the_handler(stage: Stage, statement: str, outcome: str) -> None:
    stage.write(f"export default {{ async scheduled(event) {{ console.log('at', event.cron); {statement} }} }};\n")
    stage.facts["crons"] = ["0 4 * * *"]
    with served(stage) as lines:
        status, headers, body = stage.ask("/?cron=0+4+*+*+*", **{"X-Predeploy-Cron": "n0nce"})
        until(lambda: "at 0 4 * * *" in lines)  # what a Worker prints comes later than its answer

    assert (status, headers["X-Predeploy"], json.loads(body)) == (200, "n0nce workerd", {"outcome": outcome})
    assert "at 0 4 * * *" in lines
    assert any("no beans left" in line for line in lines) is (outcome == "exception")


def test_a_visitor_cannot_call_the_handler_of_cron_triggers(stage: Stage) -> None:
    stage.write("export default { fetch: () => new Response('page'), scheduled() { throw new Error(); } };\n")
    stage.facts["crons"] = ["0 4 * * *"]
    with served(stage):
        assert stage.ask("/?cron=0", **{"X-Predeploy-Cron": "guessed"})[2] == "page"


@pytest.mark.parametrize("handler", ["email", "tail", "queue", "scheduled"])
def test_a_worker_for_other_events_is_loaded(stage: Stage, handler: str) -> None:
    stage.write(f"export default {{ async {handler}() {{}} }};\n")
    with served(stage):
        status, headers, _ = stage.ask()

    assert (status, headers["X-Predeploy-Lacks"]) == (500, "fetch")


def test_a_worker_in_service_worker_syntax(stage: Stage) -> None:
    stage.write(OLD)
    with served(stage, MODE="live"):
        assert stage.ask()[2] == "old live"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("JSON.parse('{');\nexport default {};\n", "src/worker.ts:1:1"),
        ('import "./nowhere.js";\nexport default {};\n', 'Uncaught Error: No such module "nowhere.js".'),
        ("export default { fetch( };\n", "Uncaught SyntaxError"),
    ],
)
def test_a_worker_that_cannot_be_loaded_ends_the_runtime(stage: Stage, code: str, words: str) -> None:
    stage.write(code)
    status, said = ended(stage)

    assert status == 1
    assert words in said


def test_an_unknown_compatibility_flag_is_at_its_line(stage: Stage) -> None:
    config = stage.root / "wrangler.jsonc"
    config.write_text('{\n  "main": "src/index.ts",\n  "compatibility_flags": ["no_such_flag"]\n}\n')
    stage.facts.update({"flags": ["no_such_flag"], "config": str(config)})
    stage.write("export default { fetch: () => new Response() };")

    status, said = ended(stage)

    assert status == 1
    assert f"{config}:3: No such compatibility flag: no_such_flag" in said


def test_a_missing_bundle_is_reported(stage: Stage) -> None:
    status, said = ended(stage)

    assert status == 1
    assert "ENOENT" in said
    assert str(stage.root / "out/bundle") in said


def test_a_bundle_without_code_is_reported(stage: Stage) -> None:
    (stage.root / "out/bundle").mkdir(parents=True)
    (stage.root / "out/bundle/menu.txt").write_text("tea")

    assert "holds no JavaScript: menu.txt" in ended(stage)[1]


def test_a_runtime_that_cannot_run_here_is_no_verdict(stage: Stage) -> None:
    stage.write(SAYS, **{"menu.txt": ""})
    (stage.root / "node_modules/workerd/index.js").write_text("module.exports = { default: '/no/such/workerd' };")

    assert ended(stage)[0] == 126
