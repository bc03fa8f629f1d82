"""Requests pages of a server as a proxy in front of it would: with its host names, headers and redirects."""

import argparse
import http.client
import json
import re
import time
from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import quote, urljoin, urlsplit

LOCAL = "localhost"
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
REDIRECTS = {301, 302, 303, 307, 308}
STRANGE = {401, 403, 404, 405, 410}
HOPS = 8
BODY = 65536


@dataclass(frozen=True)
class HealthServer:
    """The address of the server, and the names that it accepts: `hosts` are patterns like Django's ALLOWED_HOSTS.

    `silent` means that a Worker need not answer requests, because it handles other events.
    """

    host: str
    port: int
    limit: float
    name: str = LOCAL
    hosts: tuple[str, ...] = ()
    https: tuple[str, str] = ("X-Forwarded-Proto", "https")
    proof: str = ""
    silent: bool = False

    def owns(self, name: str) -> bool:
        """Whether a host name belongs to this site. The pattern `*` does not count: it accepts every name."""
        patterns = {each.lower() for each in self.hosts} - {"*"}
        below = any(each.startswith(".") and (name.endswith(each) or name == each[1:]) for each in patterns)
        return below or name in patterns | {self.name, self.host, LOCAL}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that a proxy in front of the server sends."""
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": self.name, "X-Forwarded-For": "127.0.0.1"}
        accept = "text/html,application/json;q=0.9,*/*;q=0.8"
        return {
            "Host": self.name,
            "User-Agent": "predeploy",
            "Accept": accept,
            **forwarded,
            self.https[0]: self.https[1],
        }


@dataclass(frozen=True)
class HealthAnswer:
    """The last answer of a chain of redirects. `problem` is about redirects or body, `mark` the header X-Predeploy.

    `lacks` is the missing handler of a Worker. `rows` are the model and the place of an error that comes of a row which
    only production's database has.
    """

    path: str
    status: int
    body: str
    location: str = ""
    problem: str = ""
    mark: str = ""
    lacks: str = ""
    rows: str = ""

    @property
    def healthy(self) -> bool:
        return 200 <= self.status < 300 and not self.problem

    @property
    def strange(self) -> bool:
        """Whether the server works, but the path is not suitable for a health check.

        A Worker may ask for a WebSocket (426), a parameter (400) or a media type (415). Django's 400 is a wrong host.
        """
        asks_more = self.mark != "" and 400 <= self.status < 500
        return self.status in STRANGE or asks_more or self.problem.startswith("another host")

    @property
    def without_rows(self) -> str:
        """What an error says that comes of an absent row."""
        model, _, place = self.rows.partition(" at ")
        where = f" ({place})" if place else ""
        return f"GET {self.path} answered {self.status}, because the run's database has no such row of {model}{where}"

    @property
    def is_cut(self) -> bool:
        """Whether the body ended early."""
        return self.problem.startswith("its body ended")

    @property
    def text(self) -> str:
        """One line: the problem, else the page's title, else the first line of the body."""
        title = TITLE.search(self.body)
        words = unescape(title.group(1)) if title else self.body.strip().partition("\n")[0]
        said = f"it redirects to {self.problem}" if self.status in REDIRECTS and self.problem else self.problem or words
        return f"GET {self.path} answered {self.status}: {' '.join(said.split())[:160]}".removesuffix(": ")


def read_server(options: argparse.Namespace) -> HealthServer:
    """Returns the server of the command line, with a host name that it accepts."""
    server = HealthServer(host=options.host, port=options.port, limit=options.limit, proof=options.proof)
    server = replace(server, silent=options.silent)
    if options.facts is None or not options.facts.is_file():
        return server
    facts = json.loads(options.facts.read_text(encoding="utf-8"))
    server = replace(server, hosts=tuple(facts.get("hosts", ())), https=tuple(facts.get("https") or server.https))
    takes_local = not server.hosts or {"*", LOCAL, "." + LOCAL} & set(server.hosts)
    return server if takes_local else replace(server, name=server.hosts[0].removeprefix("."))


def share(within: float, least: float) -> float:
    """Returns the seconds for a part of a step, such as the start of a server: a quarter of the step's limit."""
    return max(least, within / 4)


def listen(server: HealthServer, wait: float) -> str:
    """Waits at most `wait` seconds for a connection. Returns the reason of a failure, or an empty text."""
    deadline = time.monotonic() + wait
    while True:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=2)
        try:
            connection.connect()
        except OSError as error:
            if time.monotonic() > deadline:
                return f"nothing listened within {wait:g} s ({error})"
            time.sleep(0.05)
        else:
            return ""
        finally:
            connection.close()


def get(server: HealthServer, path: str) -> HealthAnswer:
    """Sends one request. A body that ends early is a problem, even with status 200."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=server.limit)
    try:
        connection.request("GET", quote(path, safe="/?&=%:;@+$,!~*'()-._[]"), headers=server.headers)
        response = connection.getresponse()
        promised = min(response.length or 0, BODY)
        body = response.read(BODY)
    finally:
        connection.close()
    problem = f"its body ended after {len(body)} of {promised} bytes" if len(body) < promised else ""
    text = body.decode("utf-8", "replace")
    location, mark = response.headers.get("Location", ""), response.headers.get("X-Predeploy", "")
    lacks, rows = response.headers.get("X-Predeploy-Lacks", ""), response.headers.get("X-Predeploy-Rows", "")
    return HealthAnswer(path, response.status, text, location, problem, mark, lacks, rows)


def follow(server: HealthServer, path: str) -> HealthAnswer:
    """Returns the answer at the end of the redirects, or at the first one that leaves the site's own hosts."""
    seen = set()
    while True:
        answer = get(server, path)
        if answer.status not in REDIRECTS:
            return answer
        there = urlsplit(urljoin(f"https://{server.name}{path}", answer.location))
        name = (there.hostname or "").lower()
        if not answer.location or not server.owns(name):
            return replace(answer, problem=f"another host: {answer.location}" if name else "nowhere")
        seen.add((server.name, path))
        server, path = replace(server, name=name), (there.path or "/") + (f"?{there.query}" if there.query else "")
        if (name, path) in seen or len(seen) > HOPS:
            return replace(answer, problem=f"{answer.location}, and the redirects never end")
