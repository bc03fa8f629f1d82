"""Sends a real request to a server, as a proxy in front of it would. Prints one JSON document.

Waits until the server listens, follows redirects on the site's own hosts, and expects 2xx at the end. Exit codes:

    0 healthy
    1 the server gave another answer, or none
    4 the server never listened
    5 no path is configured, and the guesses (`--path`, `--else`) do not exist, need a login or leave the host
    6 with `--proof`: another program answered
    7 with `--outbound`: the Worker sent an unsupported request. A refused host is only a warning if all else is well
    8 with DATABASE_URL or `--outbound`: the database is gone, even if the page works without it
"""

import argparse
import http.client
import json
import os
import re
import sys
import time
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from outbound_log import Finding, findings, listens, read_log, without_verdict

LOCAL = "localhost"
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
REDIRECTS = {301, 302, 303, 307, 308}
STRANGE = {401, 403, 404, 405, 410}
HOPS = 8
BODY = 65536


@dataclass(frozen=True)
class HealthServer:
    """The address of the server, and the names that it accepts: `hosts` are patterns like Django's ALLOWED_HOSTS."""

    host: str
    port: int
    limit: float
    name: str = LOCAL
    hosts: tuple[str, ...] = ()
    https: tuple[str, str] = ("X-Forwarded-Proto", "https")
    proof: str = ""

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
    """The last answer of a chain of redirects. `problem` is about redirects or body, `mark` the header X-Predeploy."""

    path: str
    status: int
    body: str
    location: str = ""
    problem: str = ""
    mark: str = ""

    @property
    def healthy(self) -> bool:
        return 200 <= self.status < 300 and not self.problem

    @property
    def strange(self) -> bool:
        """Whether the server works, but the path is not suitable for a health check."""
        return self.status in STRANGE or self.problem.startswith("another host")

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
    if options.facts is None or not options.facts.is_file():
        return server
    facts = json.loads(options.facts.read_text(encoding="utf-8"))
    server = replace(server, hosts=tuple(facts.get("hosts", ())), https=tuple(facts.get("https") or server.https))
    takes_local = not server.hosts or {"*", LOCAL, "." + LOCAL} & set(server.hosts)
    return server if takes_local else replace(server, name=server.hosts[0].removeprefix("."))


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
    return HealthAnswer(path, response.status, text, location, problem, mark)


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


def said(rule: str, message: str) -> list[Finding]:
    return [{"tool": "http", "rule": rule, "message": message}]


def ask(server: HealthServer, paths: list[str]) -> tuple[int, list[Finding], str]:
    """Requests paths until one is healthy; several are guesses. Returns exit code, findings and summary of a pass."""
    answers = []
    for path in paths:
        try:
            answer = follow(server, path)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return 1, said("no_answer", f"GET {path} got no answer: {str(error) or type(error).__name__}"), ""
        proof, _, runtime = answer.mark.partition(" ")
        if server.proof and proof != server.proof:
            words = f"GET {path} was answered by another program, not by the Worker that this check started"
            return 6, said("another_program", words), ""
        if answer.healthy:
            return 0, [], f"GET {answer.path} {answer.status}" + (f", {runtime}" if runtime else "")
        answers.append(answer)
        if not answer.strange:
            break
    last = answers[-1]
    if last.strange and len(paths) > 1:
        tried = "; ".join(answer.text for answer in answers)
        hint = 'Set the path for the health check: health = "/…" for the component in predeploy.toml'
        words = f"the server answers, but at none of the common paths: {tried}. {hint}"
        return 5, said("no_health_path", words), ""
    return 1, said("redirect" if last.status in REDIRECTS else str(last.status), last.text), ""


def lost_database(url: str) -> str:
    """Returns why the database does not accept a connection, or an empty text. Without a URL there is no database."""
    if not url:
        return ""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        return str(error).strip().partition("\n")[0]
    return ""


def ask_worker(server: HealthServer, paths: list[str], outbound: str, wait: float) -> tuple[int, list[Finding], str]:
    """Does the same for a Worker, and adds findings about its outbound requests. `outbound` is host and port."""
    if not listens(outbound, wait):
        return (
            8,
            said("not_ready", f"the service for the Worker's outbound requests did not listen within {wait:g} s"),
            "",
        )
    code, found, summary = ask(server, paths)
    if code not in {0, 1}:
        return code, found, summary
    asked = read_log(outbound)
    undecided = without_verdict(asked)
    if undecided is not None:
        return {"unspoken": 7, "lost": 8}[undecided[0]], [undecided[1], *found], ""
    if code == 0:  # the Worker is healthy without the refused hosts; the intake check is stricter
        refused = (each for each in findings(asked) if each["rule"] == "unknown_host")
        return 0, [{**each, "severity": "warning"} for each in refused], summary
    return 1, [*found, *findings(asked)], ""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--else", dest="other", default="", help="the second path; both are only guesses then")
    parser.add_argument("--facts", type=Path, help="a JSON file with the hosts and the header that the settings trust")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=30, help="seconds until it has to answer")
    parser.add_argument("--proof", default="", help="the first word of X-Predeploy in an answer of the right program")
    parser.add_argument("--outbound", default="", help="host and port of the service for a Worker's outbound requests")
    options = parser.parse_args()
    server, paths = read_server(options), [path for path in (options.path, options.other) if path]
    silence = listen(server, options.wait)
    if silence:
        code, found, summary = 4, said("not_ready", f"the server is not ready: {silence}"), ""
    elif options.outbound:
        code, found, summary = ask_worker(server, paths, options.outbound, options.wait)
    else:
        code, found, summary = ask(server, paths)
    if code == 0 and (missing := lost_database(os.environ.get("DATABASE_URL", ""))):
        code, found, summary = 8, said("database", f"the server answers, but its database is gone: {missing}"), ""
    print(json.dumps({"diagnostics": found, "summary": summary}))
    return code


if __name__ == "__main__":
    sys.exit(main())
