"""http_health.py against real servers: healthy, unhealthy, and without a verdict."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from visitor import share

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.neon_bench import outbound

Reply = tuple[int, Mapping[str, str], str]
Site = Callable[[str, Mapping[str, str]], Reply]
GUESSES = ("--path", "/admin/login/", "--else", "/")
PAGE = "<html><head><title>Log in | Site admin</title></head></html>"


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[int]:
    """Serves the answers of `site` on loopback. Yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, body = site(self.path, headers)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if "Content-Length" not in more:
                self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def ask(port: int, *arguments: str, folder: Path, wait: float = 5) -> ProbeResult:
    return run_probe(
        "e2e/http_health", "--host", "127.0.0.1", "--port", str(port), "--wait", str(wait), *arguments, cwd=folder
    )


def ask_site(site: Site, *arguments: str, folder: Path) -> ProbeResult:
    with serving(site) as port:
        return ask(port, *arguments, folder=folder)


def pages(replies: Mapping[str, Reply]) -> Site:
    """Returns a site with these paths. All others are 404."""
    return lambda path, _: replies.get(path, (404, {}, "<title>Page not found</title>"))


def test_healthy(tmp_path: Path) -> None:
    result = ask_site(pages({"/admin/login/": (200, {}, PAGE)}), *GUESSES, folder=tmp_path)

    assert (result.code, result.document) == (0, {"diagnostics": [], "summary": "GET /admin/login/ 200"})


@pytest.mark.parametrize(
    ("host", "upgrade", "code", "rule", "severity"),
    [
        ("hooks.example", {}, 0, "unknown_host", "warning"),
        ("ep-predeploy.neon.invalid", {"Upgrade": "websocket"}, 7, "unspoken", None),
    ],
)
def test_outbound_requests_of_a_healthy_worker_are_reported(
    host: str, upgrade: dict[str, str], code: int, rule: str, severity: str | None, tmp_path: Path
) -> None:
    with outbound(tmp_path, "postgresql://nobody@127.0.0.1:1/none") as service:

        def site(*_: object) -> Reply:
            service.ask(None, method="GET", host=host, path="/v2", **upgrade)
            return 200, {}, "ok"

        behind = ("--path", "/health", "--outbound", f"127.0.0.1:{service.port}")
        result = ask_site(site, *behind, folder=tmp_path)

    assert (result.code, result.rules) == (code, [rule]), result
    assert host in result.messages[0]
    assert result.document["diagnostics"][0].get("severity") == severity


@pytest.mark.parametrize(("status", "rules"), [(404, []), (200, []), (500, ["500"])])
def test_an_unknown_path_of_a_worker_is_reported(status: int, rules: list[str], tmp_path: Path) -> None:
    """A server's error there is only a warning."""
    with outbound(tmp_path, "postgresql://nobody@127.0.0.1:1/none") as service:
        answers = pages({"/health": (200, {}, "ok"), "/nowhere": (status, {}, "")})
        behind = ("--path", "/health", "--unknown", "/nowhere", "--outbound", f"127.0.0.1:{service.port}")
        result = ask_site(answers, *behind, folder=tmp_path)

    assert (result.code, result.rules) == (0, rules)
    assert result.document["summary"] == f"GET /health 200, an unknown path {status}"


def test_the_root_is_requested_if_there_is_no_admin(tmp_path: Path) -> None:
    result = ask_site(pages({"/": (200, {}, "hello")}), *GUESSES, folder=tmp_path)

    assert (result.code, result.document["summary"]) == (0, "GET / 200")


@pytest.mark.parametrize("status", [404, 401, 403])
def test_a_server_without_a_common_path_is_no_verdict(tmp_path: Path, status: int) -> None:
    """An API that has neither an admin nor a page at `/` may be perfectly healthy."""
    result = ask_site(lambda *_: (status, {}, "<title>No</title>"), *GUESSES, folder=tmp_path)

    assert (result.code, result.rules) == (5, ["no_health_path"])
    assert f"GET /admin/login/ answered {status}: No; GET / answered {status}: No" in result.messages[0]
    assert 'health = "/…"' in result.messages[0]


@pytest.mark.parametrize("status", [404, 401, 403])
def test_a_worker_without_a_common_path_passes_with_a_gap(tmp_path: Path, status: int) -> None:
    with outbound(tmp_path, "postgresql://nobody@127.0.0.1:1/none") as service:
        behind = (*GUESSES, "--outbound", f"127.0.0.1:{service.port}")
        result = ask_site(lambda *_: (status, {}, "<title>No</title>"), *behind, folder=tmp_path)

    assert (result.code, result.document["summary"]) == (0, "it answers, but not with 2xx")
    assert f"GET / answered {status}: No" in result.document["gaps"][0]


@pytest.mark.parametrize("status", [400, 415, 422, 426])
def test_a_worker_that_asks_for_more_than_a_path_passes_with_a_gap(tmp_path: Path, status: int) -> None:
    """A Worker for WebSockets, or one that needs a parameter."""
    marked = {"X-Predeploy": "n0nce workerd"}
    with outbound(tmp_path, "postgresql://nobody@127.0.0.1:1/none") as service:
        behind = (*GUESSES, "--proof", "n0nce", "--outbound", f"127.0.0.1:{service.port}")
        result = ask_site(lambda *_: (status, marked, "Expected websocket"), *behind, folder=tmp_path)

    assert result.code == 0
    assert f"GET / answered {status}: Expected websocket" in result.document["gaps"][0]


@pytest.mark.parametrize("status", [404, 401, 403, 500])
def test_a_configured_path_is_no_guess(tmp_path: Path, status: int) -> None:
    result = ask_site(lambda *_: (status, {}, "<title>No</title>"), "--path", "/health", folder=tmp_path)

    assert (result.code, result.rules) == (1, [str(status)])
    assert result.messages == [f"GET /health answered {status}: No"]


@pytest.mark.parametrize("status", [400, 500, 502, 503])
def test_a_server_error_is_reported_with_its_title_and_ends_the_check(tmp_path: Path, status: int) -> None:
    broken: dict[str, Reply] = {
        "/admin/login/": (status, {}, "<title>\n Server Error &amp; more\n</title>"),
        "/": (200, {}, ""),
    }

    result = ask_site(pages(broken), *GUESSES, folder=tmp_path)

    assert result.code == 1
    assert result.messages == [f"GET /admin/login/ answered {status}: Server Error & more"]


def test_a_broken_root_fails_even_if_the_admin_is_missing(tmp_path: Path) -> None:
    result = ask_site(pages({"/": (500, {}, "Oh")}), *GUESSES, folder=tmp_path)

    assert (result.code, result.messages) == (1, ["GET / answered 500: Oh"])


@pytest.mark.parametrize(
    ("root", "code", "words"),
    [
        ((200, {}, PAGE), 0, "GET /admin/login/ 200, GET / 200"),
        ((404, {}, "no page"), 0, "GET /admin/login/ 200, GET / 404"),
        ((302, {"Location": "/welcome/"}, ""), 0, "GET /admin/login/ 200, GET /welcome/ 200"),
        ((302, {"Location": "https://www.example/"}, ""), 0, "GET /admin/login/ 200, GET / 302"),
        ((500, {}, "Oh"), 1, "GET / answered 500: Oh"),
        ((302, {"Location": "/broken/"}, ""), 1, "GET /broken/ answered 500: Oh"),
    ],
)
@pytest.mark.parametrize("paths", [GUESSES, ("--path", "/admin/login/")])
def test_the_root_is_requested_next_to_other_paths(
    root: Reply, code: int, words: str, paths: tuple[str, ...], tmp_path: Path
) -> None:
    ok: Reply = (200, {}, PAGE)
    site = pages({"/admin/login/": ok, "/": root, "/welcome/": ok, "/broken/": (500, {}, "Oh")})

    result = ask_site(site, *paths, "--also", "/", folder=tmp_path)

    assert (result.code, result.messages or [result.document["summary"]]) == (code, [words])


def test_each_configured_path_has_to_be_healthy(tmp_path: Path) -> None:
    site = pages({"/one": (200, {}, ""), "/two": (200, {}, ""), "/": (200, {}, "")})

    good = ask_site(site, "--path", "/one", "--path", "/two", "--also", "/", folder=tmp_path)
    bad = ask_site(site, "--path", "/one", "--path", "/three", "--also", "/", folder=tmp_path)

    assert (good.code, good.document["summary"]) == (0, "GET /one 200, GET /two 200, GET / 200")
    assert (bad.code, bad.messages) == (1, ["GET /three answered 404: Page not found"])


def test_the_request_has_the_headers_of_a_proxy(tmp_path: Path) -> None:
    seen: dict[str, str] = {}

    def site(_: str, headers: Mapping[str, str]) -> Reply:
        seen.update(headers)
        return 200, {}, ""

    ask_site(site, *GUESSES, folder=tmp_path)

    assert seen["host"] == seen["x-forwarded-host"] == "localhost"
    assert seen["x-forwarded-proto"] == "https"


def redirect_to_https(header: str = "x-forwarded-proto") -> Site:
    """Returns a site like Django with SECURE_SSL_REDIRECT behind a proxy."""

    def site(path: str, headers: Mapping[str, str]) -> Reply:
        if headers.get(header) == "https":
            return 200, {}, PAGE
        return 301, {"Location": f"https://{headers['host']}{path}"}, ""

    return site


def test_a_request_that_was_forwarded_as_https_is_not_redirected(tmp_path: Path) -> None:
    assert ask_site(redirect_to_https(), *GUESSES, folder=tmp_path).code == 0


def test_endless_redirects_to_the_same_page_fail(tmp_path: Path) -> None:
    result = ask_site(redirect_to_https("x-other"), *GUESSES, folder=tmp_path)

    assert (result.code, result.rules) == (1, ["redirect"])
    location = "https://localhost/admin/login/"
    assert result.messages == [
        f"GET /admin/login/ answered 301: it redirects to {location}, and the redirects never end"
    ]


def test_header_that_the_settings_trust_is_sent(tmp_path: Path) -> None:
    facts = tmp_path / "django.json"
    facts.write_text(json.dumps({"hosts": ["*"], "https": ["X-Other", "https"]}))

    assert ask_site(redirect_to_https("x-other"), *GUESSES, "--facts", str(facts), folder=tmp_path).code == 0


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (["shop.example", "www.shop.example"], "shop.example"),
        ([".shop.example"], "shop.example"),
        (["shop.example", "localhost"], "localhost"),
        (["*"], "localhost"),
        ([], "localhost"),
    ],
)
def test_the_host_header_is_one_that_the_settings_allow(tmp_path: Path, hosts: list[str], host: str) -> None:
    """The settings may list only production's hosts: any other host gets 400."""
    facts = tmp_path / "django.json"
    facts.write_text(json.dumps({"hosts": hosts}))

    def site(_: str, headers: Mapping[str, str]) -> Reply:
        return (200, {}, "") if headers["host"] == host else (400, {}, "<title>Bad Request (400)</title>")

    assert ask_site(site, *GUESSES, "--facts", str(facts), folder=tmp_path).code == 0


def test_redirect_between_the_site_s_own_hosts_is_followed(tmp_path: Path) -> None:
    facts = tmp_path / "django.json"
    facts.write_text(json.dumps({"hosts": ["shop.example", "www.shop.example"]}))

    def site(path: str, headers: Mapping[str, str]) -> Reply:
        if headers["host"] == "www.shop.example":
            return 200, {}, ""
        return 301, {"Location": f"https://www.shop.example{path}"}, ""

    assert ask_site(site, *GUESSES, "--facts", str(facts), folder=tmp_path).code == 0


def test_a_missing_facts_file_is_ignored(tmp_path: Path) -> None:
    arguments = (*GUESSES, "--facts", str(tmp_path / "nothing.json"))

    assert ask_site(pages({"/": (200, {}, "")}), *arguments, folder=tmp_path).code == 0


@pytest.mark.parametrize(
    "location", ["/en/", "en/", "https://localhost/en/", "http://127.0.0.1/en/", "//localhost/en/"]
)
def test_redirect_on_the_same_host_is_followed(tmp_path: Path, location: str) -> None:
    site = pages({"/": (302, {"Location": location}, ""), "/en/": (200, {}, "")})

    result = ask_site(site, "--path", "/", folder=tmp_path)

    assert (result.code, result.document["summary"]) == (0, "GET /en/ 200")


def test_a_redirect_with_query_and_special_characters_is_followed(tmp_path: Path) -> None:
    site = pages(
        {"/": (302, {"Location": "/log in/?next=/%C3%A4&x=1"}, ""), "/log%20in/?next=/%C3%A4&x=1": (200, {}, "")}
    )

    assert ask_site(site, "--path", "/", folder=tmp_path).code == 0


def test_redirect_to_a_broken_page_is_red(tmp_path: Path) -> None:
    site = pages({"/": (302, {"Location": "/en/"}, ""), "/en/": (500, {}, "Oh")})

    assert ask_site(site, "--path", "/", folder=tmp_path).messages == ["GET /en/ answered 500: Oh"]


def test_a_redirect_to_another_host_is_reported_and_not_followed(tmp_path: Path) -> None:
    away = {"Location": "https://login.example/authorize"}

    configured = ask_site(lambda *_: (302, away, ""), "--path", "/health", folder=tmp_path)
    guessed = ask_site(lambda *_: (302, away, ""), *GUESSES, folder=tmp_path)

    assert configured.code == 1
    assert configured.messages == [
        "GET /health answered 302: it redirects to another host: https://login.example/authorize"
    ]
    assert guessed.code == 5


def test_endless_redirects_to_new_pages_fail(tmp_path: Path) -> None:
    result = ask_site(lambda path, _: (302, {"Location": path + "x"}, ""), "--path", "/", folder=tmp_path)

    assert (result.code, result.rules) == (1, ["redirect"])


def test_redirect_without_a_location(tmp_path: Path) -> None:
    assert ask_site(lambda *_: (302, {}, ""), "--path", "/", folder=tmp_path).code == 1


def test_body_that_ends_early_is_red(tmp_path: Path) -> None:
    """A server process that dies during an answer has sent its status already."""
    result = ask_site(
        lambda *_: (200, {"Content-Length": "1000", "Connection": "close"}, "x"), *GUESSES, folder=tmp_path
    )

    assert result.code == 1
    assert result.messages == ["GET /admin/login/ answered 200: its body ended after 1 of 1000 bytes"]


def test_answer_larger_than_what_is_read(tmp_path: Path) -> None:
    assert ask_site(lambda *_: (200, {}, "x" * 200_000), *GUESSES, folder=tmp_path).code == 0


@contextmanager
def accepting(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accepts connections on loopback and calls `talk` with each. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                talk(connection)

        threading.Thread(target=loop, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def test_connection_that_is_closed(tmp_path: Path) -> None:
    with accepting(lambda connection: connection.close()) as port:
        result = ask(port, *GUESSES, folder=tmp_path)

    assert (result.code, result.rules) == (1, ["no_answer"])


def test_server_that_speaks_another_protocol(tmp_path: Path) -> None:
    with accepting(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")) as port:
        result = ask(port, *GUESSES, folder=tmp_path)

    assert (result.code, result.rules) == (1, ["no_answer"])


def test_server_that_hangs(tmp_path: Path) -> None:
    with accepting(lambda _: None) as port:
        result = ask(port, *GUESSES, "--limit", "0.3", folder=tmp_path)

    assert (result.code, result.messages) == (1, ["GET /admin/login/ got no answer: timed out"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_server_that_never_listens(tmp_path: Path) -> None:
    result = ask(free_port(), *GUESSES, folder=tmp_path, wait=0.3)

    assert (result.code, result.rules) == (4, ["not_ready"])
    assert "nothing listened within 0.3 s" in result.messages[0]


@pytest.mark.parametrize(("within", "least", "seconds"), [(0, 30, 30), (120, 30, 30), (480, 30, 120), (10, 30, 30)])
def test_server_has_a_quarter_of_the_limit_to_start(within: float, least: float, seconds: float) -> None:
    assert share(within, least) == seconds


def test_server_that_listens_late(tmp_path: Path) -> None:
    port = free_port()
    result: list[ProbeResult] = []
    asking = threading.Thread(target=lambda: result.append(ask(port, *GUESSES, folder=tmp_path, wait=20)))
    asking.start()
    time.sleep(0.5)  # the delay is what this test needs

    with serving(pages({"/": (200, {}, "")}), port):
        asking.join(20)

    assert result[0].code == 0


def test_a_worker_for_other_events_need_not_answer(tmp_path: Path) -> None:
    lacks = {"X-Predeploy": "n0nce workerd", "X-Predeploy-Lacks": "fetch"}
    site = pages({"/health": (500, lacks, "error code: 1101")})
    proof = ("--path", "/health", "--proof", "n0nce")

    silent, other = (ask_site(site, *proof, *more, folder=tmp_path) for more in (("--silent",), ()))

    assert (silent.code, silent.document["summary"]) == (
        0,
        "it is loaded, without a `fetch` handler for requests, workerd",
    )
    assert other.code == 1


@pytest.mark.parametrize(("status", "code"), [(500, 9), (200, 0)])
def test_error_of_a_worker_with_a_binding_of_cloudflare_alone(tmp_path: Path, status: int, code: int) -> None:
    result = ask_site(pages({"/": (status, {}, "")}), "--path", "/", "--remote", "MODEL (Workers AI)", folder=tmp_path)

    assert (result.code, result.rules[:1]) == (code, ["remote_binding"] if code else [])


LACKS = {"X-Predeploy-Rows": "shop.Site at shop/views.py:7"}
SAID = "GET / answered 500, because the run's database has no such row of shop.Site (shop/views.py:7)"


@pytest.mark.parametrize(
    ("login", "home", "code", "gaps"),
    [
        ((200, {}, PAGE), (500, LACKS, ""), 0, [SAID]),
        ((404, {}, ""), (500, LACKS, ""), 12, None),
        ((500, LACKS, ""), (200, {}, PAGE), 0, [SAID.replace("GET /", "GET /admin/login/")]),
        ((500, LACKS, ""), (500, LACKS, ""), 12, None),
        ((500, LACKS, ""), (500, {}, ""), 1, None),
        ((200, {}, PAGE), (500, {}, ""), 1, None),
    ],
)
def test_page_that_needs_a_row_of_production(
    tmp_path: Path, login: Reply, home: Reply, code: int, gaps: list[str] | None
) -> None:
    result = ask_site(pages({"/admin/login/": login, "/": home}), *GUESSES, "--also", "/", folder=tmp_path)

    assert (result.code, result.document.get("gaps")) == (code, gaps)


def test_configured_path_that_needs_a_row_is_no_verdict(tmp_path: Path) -> None:
    result = ask_site(pages({"/": (500, LACKS, "")}), "--path", "/", folder=tmp_path)

    assert result.code == 12
    assert result.document["diagnostics"][0]["message"].startswith(f"{SAID}. Name a path that works without it")
