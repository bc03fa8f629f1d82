"""What Cloudflare Pages refuses of a `_routes.json` file. Standard library only.

Sources: Cloudflare's docs, "Functions invocation routes", and `validateRoutes` of wrangler 4.156 (read 2026-11-30).
`wrangler pages deploy` ends with an error for each of these.
"""

import json
from collections.abc import Iterator

from host_redirects import RuleProblem

RULES, RULE_LENGTH = 100, 100


def route_problems(text: str) -> Iterator[RuleProblem]:
    """Yields what Pages refuses, at the line of the rule."""
    try:
        document = json.loads(text)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        yield RuleProblem(line=line, message=f"it is no JSON: {error}", is_refused=True)
        return
    given = document if isinstance(document, dict) else {}
    lists = [each for each in (given.get("include"), given.get("exclude")) if isinstance(each, list)]
    if len(lists) != 2 or given.get("version") != 1:
        message = 'its form is { "version": 1, "include": […], "exclude": […] }'
        yield RuleProblem(line=1, message=message, is_refused=True)
        return
    for message, rule in list_problems(*([str(rule) for rule in each] for each in lists)):
        yield RuleProblem(line=line_of(text, rule), message=message, is_refused=True)


def list_problems(include: list[str], exclude: list[str]) -> Iterator[tuple[str, str]]:
    """Yields each problem with the rule that has it."""
    rules = [*include, *exclude]
    if not include:
        yield "it has no rule in `include`, and Pages needs at least one", "include"
    if len(rules) > RULES:
        yield f"it has {len(rules)} rules, and Pages allows {RULES}", rules[RULES]
    for rule in rules:
        if len(rule) > RULE_LENGTH:
            yield f"the rule {rule[:40]}… has {len(rule)} characters, and Pages allows {RULE_LENGTH}", rule
        if not rule.startswith("/"):
            yield f"the rule {rule} does not begin with /", rule
    for listed in (include, exclude):
        for wide in (rule for rule in listed if rule.endswith("/*")):
            covered = [rule for rule in listed if rule != wide and rule.startswith(wide[:-1])]
            yield from ((f"the rule {wide} already covers {rule}", rule) for rule in covered)


def line_of(text: str, rule: str) -> int:
    """Returns the line that shows a rule, or the first one."""
    spellings = (json.dumps(rule), json.dumps(rule, ensure_ascii=False))
    numbered = enumerate(text.splitlines(), 1)
    return next((number for number, line in numbered if any(each in line for each in spellings)), 1)
