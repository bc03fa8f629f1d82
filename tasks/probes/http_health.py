"""One real request to a server, as the proxy in front of it would send it. Standard library only; prints JSON.

Waits until the server listens, follows redirects on the site's own hosts, wants 2xx at the end. Exit codes: 0 healthy,
1 it answered something else, 4 it never listened, 5 it answers, but nobody said which path is healthy: those that are
common (`--else` makes them guesses) are not known, need a login, or lead to another host.
"""

import argparse
import http.client
import json
import re
import sys
import time
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

LOCAL = "localhost"
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
REDIRECTS = {301, 302, 303, 307, 308}
STRANGE = {401, 403, 404, 405, 410}
HOPS = 8
BODY = 65536


@dataclass(frozen=True)
class Server:
    """Where the server listens, and what it knows itself as: `hosts` are patterns like Django's ALLOWED_HOSTS."""

    host: str
    port: int
    limit: float
    name: str = LOCAL
    hosts: tuple[str, ...] = ()
    https: tuple[str, str] = ("X-Forwarded-Proto", "https")

    def owns(self, name: str) -> bool:
        """Is it a name of this site? A pattern that takes every name tells nothing."""
        patterns = {each.lower() for each in self.hosts} - {"*"}
        below = any(each.startswith(".") and (name.endswith(each) or name == each[1:]) for each in patterns)
        return below or name in patterns | {self.name, self.host, LOCAL}

    @property
    def headers(self) -> dict[str, str]:
        """What a proxy in front of it sends."""
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
class Answer:
    """The last answer, the path that it is for, and what is wrong with the way there."""

    path: str
    status: int
    body: str
    location: str = ""
    problem: str = ""

    @property
    def healthy(self) -> bool:
        return 200 <= self.status < 300 and not self.problem

    @property
    def strange(self) -> bool:
        """The server works, but this is no path to ask for its health."""
        return self.status in STRANGE or self.problem.startswith("another host")

    @property
    def text(self) -> str:
        """One line: the problem, else what tells most of a body: a page's title, else its first line."""
        title = TITLE.search(self.body)
        words = unescape(title.group(1)) if title else self.body.strip().partition("\n")[0]
        said = f"it redirects to {self.problem}" if self.status in REDIRECTS and self.problem else self.problem or words
        return f"GET {self.path} answered {self.status}: {' '.join(said.split())[:160]}".removesuffix(": ")


def read_server(options: argparse.Namespace) -> Server:
    """The server of the command line, by a name that it takes."""
    server = Server(host=options.host, port=options.port, limit=options.limit)
    if options.facts is None or not options.facts.is_file():
        return server
    facts = json.loads(options.facts.read_text(encoding="utf-8"))
    server = replace(server, hosts=tuple(facts.get("hosts", ())), https=tuple(facts.get("https") or server.https))
    takes_local = not server.hosts or {"*", LOCAL, "." + LOCAL} & set(server.hosts)
    return server if takes_local else replace(server, name=server.hosts[0].removeprefix("."))


def listen(server: Server, wait: float) -> str:
    """Waits until a connection is taken; what stood in the way where none was."""
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


def get(server: Server, path: str) -> Answer:
    """One request. A body that ends early is a problem, whatever its status says."""
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
    return Answer(path, response.status, text, response.headers.get("Location", ""), problem)


def follow(server: Server, path: str) -> Answer:
    """The answer at the end of the redirects, as long as they stay on the site's own hosts."""
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
            return replace(answer, problem=f"{answer.location}, and so on in a circle")


def report(rule: str, message: str, summary: str = "") -> None:
    diagnostics = [{"tool": "http", "rule": rule, "message": message}] if message else []
    print(json.dumps({"diagnostics": diagnostics, "summary": summary}))


def ask(server: Server, paths: list[str]) -> int:
    """Asks for the paths until one is healthy. Where there are several, all are guesses."""
    answers = []
    for path in paths:
        try:
            answer = follow(server, path)
        except (OSError, http.client.HTTPException, ValueError) as error:
            report("no_answer", f"GET {path} got no answer: {str(error) or type(error).__name__}")
            return 1
        if answer.healthy:
            report("", "", f"GET {answer.path} {answer.status}")
            return 0
        answers.append(answer)
        if not answer.strange:
            break
    if answers[-1].strange and len(paths) > 1:
        said = "; ".join(answer.text for answer in answers)
        hint = 'say which path answers when all is well: health = "/…" for the component in predeploy.toml'
        report("no_health_path", f"the server answers, but at no path that is common: {said}. {hint}")
        return 5
    report("redirect" if answers[-1].status in REDIRECTS else str(answers[-1].status), answers[-1].text)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--else", dest="other", default="", help="asked next where the path is only a guess, too")
    parser.add_argument("--facts", type=Path, help="a JSON file with the hosts and the header that the settings trust")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=30, help="seconds until it has to answer")
    options = parser.parse_args()
    server = read_server(options)
    if silence := listen(server, options.wait):
        report("not_ready", f"the server is not ready: {silence}")
        return 4
    return ask(server, [path for path in (options.path, options.other) if path])


if __name__ == "__main__":
    sys.exit(main())
