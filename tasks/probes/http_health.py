"""One real request to a server, as the proxy in front of it would send it. Standard library only; prints JSON.

Waits until the server listens, follows redirects on the same host, wants 2xx at the end. Exit codes: 0 healthy,
1 it answered something else, 4 it never listened.
"""

import argparse
import http.client
import json
import re
import sys
import time
from html import unescape
from urllib.parse import urljoin, urlsplit

HOST = "localhost"
HEADERS = {
    "Host": HOST,
    "User-Agent": "predeploy",
    "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": HOST,
    "X-Forwarded-For": "127.0.0.1",
}
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL | re.IGNORECASE)
REDIRECTS = {301, 302, 303, 307, 308}


def listen(host: str, port: int, wait: float) -> str:
    """Waits until a connection is taken; what stood in the way where none was."""
    deadline = time.monotonic() + wait
    while True:
        connection = http.client.HTTPConnection(host, port, timeout=2)
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


def get(host: str, port: int, path: str, limit: float) -> tuple[int, str, str]:
    """Status, Location and the beginning of the body."""
    connection = http.client.HTTPConnection(host, port, timeout=limit)
    try:
        connection.request("GET", path, headers=HEADERS)
        response = connection.getresponse()
        return response.status, response.headers.get("Location", ""), response.read(65536).decode("utf-8", "replace")
    finally:
        connection.close()


def follow(host: str, port: int, path: str, limit: float) -> tuple[int, str, str]:
    """The last status, the path it was at, and the body. A redirect to another host is not followed."""
    status, body = 0, ""
    for _ in range(6):
        status, location, body = get(host, port, path, limit)
        if status not in REDIRECTS:
            break
        there = urlsplit(urljoin(f"https://{HOST}{path}", location))
        if there.hostname not in {HOST, host}:
            return status, path, f"redirects to another host: {location}"
        path = there.path + (f"?{there.query}" if there.query else "")
    return status, path, body


def said(body: str) -> str:
    """The one line of a body that tells most: a page's title, else its first line."""
    title = TITLE.search(body)
    text = unescape(title.group(1)) if title else body.strip().partition("\n")[0]
    return " ".join(text.split())[:160]


def report(diagnostics: list[dict[str, str]], summary: str = "") -> None:
    print(json.dumps({"diagnostics": diagnostics, "summary": summary}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--else", dest="other", default="", help="asked where the path is not known (404)")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=30, help="seconds until it has to answer")
    options = parser.parse_args()
    if silence := listen(options.host, options.port, options.wait):
        report([{"tool": "http", "rule": "not_ready", "message": f"the server is not ready: {silence}"}])
        return 4
    status, path, body = 0, options.path, ""
    try:
        for first in filter(None, (options.path, options.other)):
            status, path, body = follow(options.host, options.port, first, options.limit)
            if status != 404:
                break
    except (OSError, http.client.HTTPException) as error:
        message = f"GET {options.path} got no answer: {error or type(error).__name__}"
        report([{"tool": "http", "rule": "no_answer", "message": message}])
        return 1
    if 200 <= status < 300:
        report([], f"GET {path} {status}")
        return 0
    report([{"tool": "http", "rule": str(status), "message": f"GET {path} answered {status}: {said(body)}"}])
    return 1


if __name__ == "__main__":
    sys.exit(main())
