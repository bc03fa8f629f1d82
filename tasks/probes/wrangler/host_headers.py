"""What Cloudflare refuses or ignores of a `_headers` file. Standard library only.

Sources: Cloudflare's docs, "Headers" of Pages and of Workers static assets, and `parseHeaders` of wrangler 4.156 (read
2026-11-30). Pages ignores a wrong line. The Workers API refuses the deploy (error 100324) for headers before the first
path, as in workers-sdk issue 14547.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from host_redirects import HOST, RuleProblem

RULES, LINE_LENGTH = 100, 2000
PATH = re.compile(r"/|[^\s]+://")


@dataclass(frozen=True, kw_only=True)
class HeaderRule:
    """A path with its headers, each with its line. Headers before the first path have an empty path."""

    path: str
    line: int
    headers: list[tuple[int, str]] = field(default_factory=list)


def header_problems(text: str) -> Iterator[RuleProblem]:
    """Yields the lines that Cloudflare refuses or ignores."""
    rules = [HeaderRule(path="", line=0)]
    for number, line in enumerate((each.strip() for each in text.splitlines()), 1):
        if len(line) > LINE_LENGTH:
            words = f"a line has at most {LINE_LENGTH} characters, and this one has {len(line)}"
            yield RuleProblem(line=number, message=words)
        elif PATH.match(line):
            rules.append(HeaderRule(path=line, line=number))
        elif line and not line.startswith("#"):
            rules[-1].headers.append((number, line))
    for number, _ in rules[0].headers:
        yield RuleProblem(line=number, message="a header stands before the first path", is_refused=True)
    for rule in rules[1:]:
        yield from rule_problems(rule)
    if len(rules) > RULES + 1:
        first = rules[RULES + 1].line
        yield RuleProblem(line=first, message=f"more than {RULES} rules of headers", is_refused=True)


def rule_problems(rule: HeaderRule) -> Iterator[RuleProblem]:
    """Yields what is wrong with one path and its headers. Cloudflare ignores the headers of a wrong path."""
    if problem := path_problem(rule.path):
        yield RuleProblem(line=rule.line, message=problem)
        return
    found = [(number, header_problem(line)) for number, line in rule.headers]
    yield from (RuleProblem(line=number, message=problem) for number, problem in found if problem)
    if all(problem for _, problem in found):
        yield RuleProblem(line=rule.line, message="the path has no headers")


def path_problem(path: str) -> str:
    """Returns why Cloudflare cannot read the path of a rule, or an empty text."""
    if not path.startswith("/") and not HOST.match(path):
        return f"{path} is neither a path from the root nor an address with https"
    if HOST.match(path) and re.search(r":\d+$", path.split("/")[2]):
        return f"{path} has a port, and ports are not supported"
    if path.count("*") > 1:
        return f"{path} has more than one wildcard"
    return f"{path} has a wildcard and :splat" if "*" in path and re.search(r":splat(?!\w)", path) else ""


def header_problem(line: str) -> str:
    """Returns why Cloudflare cannot read a header, or an empty text. `! name` removes a header."""
    if line.startswith("! ") and ":" not in line:
        return ""
    name, colon, value = (part.strip() for part in line.partition(":"))
    if not colon:
        return f"`{line[:60]}` is no header of the form `name: value`"
    if not name or not value or " " in name:
        return f"`{line[:60]}` has no name, no value, or a space in the name"
    return ""
