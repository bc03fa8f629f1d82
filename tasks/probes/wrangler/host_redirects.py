"""What Cloudflare refuses or ignores of a `_redirects` file. Standard library only.

Sources: Cloudflare's docs, "Redirects" of Pages and of Workers static assets, and `parseRedirects` of wrangler 4.156
(read 2026-11-30). Pages ignores a wrong line. The Workers API refuses the deploy (error 100324) for too many rules and
for loops: workers-sdk issues 10992 and 15624.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

STATIC_RULES, DYNAMIC_RULES, LINE_LENGTH = 2000, 100, 1000
STATUS = frozenset({"200", "301", "302", "303", "307", "308"})
DYNAMIC = re.compile(r"\*|:[A-Za-z]\w*")
HOST = re.compile(r"https://+[^/]+")
INDEX = re.compile(r"/index(?:\.html)?$")


@dataclass(frozen=True, kw_only=True)
class RuleProblem:
    """A wrong line. `is_refused`: Workers refuse the deploy because of it; else the line alone is ignored."""

    line: int
    message: str
    is_refused: bool = False


def redirect_problems(text: str, html_handling: str = "") -> Iterator[RuleProblem]:
    """Yields the lines that Cloudflare refuses or ignores. `html_handling` is that of a Worker's assets."""
    counts = {"static": 0, "dynamic": 0}
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = re.sub(r"\s+#.*$", "", line.strip()).split()
        if not words or words[0].startswith("#"):
            continue
        problem = line_problem(line.strip(), words)
        if problem:
            yield RuleProblem(line=number, message=problem)
            continue
        # a static rule after the first dynamic one counts as dynamic
        kind = "dynamic" if counts["dynamic"] or DYNAMIC.search(words[0]) else "static"
        counts[kind] += 1
        limit = {"static": STATIC_RULES, "dynamic": DYNAMIC_RULES}[kind]
        if counts[kind] > limit:
            why = ": every rule after the first one with `*` or `:name` counts" if kind == "dynamic" else ""
            message = f"more than {limit} {kind} redirects{why}"
            yield RuleProblem(line=number, message=message, is_refused=True)
            return
        if is_loop(words[0], words[1], html_handling):
            message = f"{words[0]} leads to {words[1]}, which Cloudflare shortens to the same path: an infinite loop"
            yield RuleProblem(line=number, message=message, is_refused=True)
        elif words[0] in seen:
            yield RuleProblem(line=number, message=f"line {seen[words[0]]} already redirects {words[0]}")
        seen.setdefault(words[0], number)


def line_problem(line: str, words: list[str]) -> str:
    """Returns why Cloudflare cannot read a line, or an empty text."""
    if len(line) > LINE_LENGTH:
        return f"a redirect has at most {LINE_LENGTH} characters, and this line has {len(line)}"
    if len(words) not in {2, 3}:
        return f"a redirect has a source, a target and maybe a status, and this line has {len(words)} words"
    source, target = words[:2]
    if HOST.match(source):
        return f"the source {source} has a host, and only paths are allowed"
    if not (target.startswith("/") or HOST.match(target)):
        return f"the target {target} is neither a path from the root nor an address with https"
    status = words[2] if len(words) == 3 else "302"
    if status not in STATUS:
        return f"the status {status} is none of {', '.join(sorted(STATUS))}"
    if status == "200" and HOST.match(target):
        return f"a rule with the status 200 leads to a path of the site, and {target} is on a host"
    return ""


def is_loop(source: str, target: str, html_handling: str) -> bool:
    """Whether Cloudflare, which removes `/index` and `.html` from a path, comes back to the same rule."""
    if HOST.match(target) or not INDEX.search(target.partition("?")[0]):
        return False
    return source.endswith("/*") or (source.endswith("/") and html_handling != "none")
