"""What Cloudflare refuses of names, dates, variables, routes and cron triggers. Standard library only."""

import datetime as dt
import json
import re
from collections.abc import Iterator

from wrangler_cron import cron_problem
from wrangler_findings import Refusal, Target, table, text, texts
from wrangler_limits import NAME_LENGTH, VARIABLE_BYTES, excess

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def date_refusals(target: Target, today: dt.date) -> Iterator[Refusal]:
    """Yields a compatibility date that is no date, or later than today in UTC (error 10021 of the Workers API)."""
    value, path = target.text("compatibility_date")
    if not value:
        return
    try:
        date = dt.date.fromisoformat(value) if DATE.fullmatch(value) else None
    except ValueError:
        date = None
    if date is None:
        message = f"the compatibility date {value!r} is no date of the form YYYY-MM-DD"
        yield Refusal(rule="compatibility_date", message=message, path=path, value=value)
    elif date > today:
        message = f"the compatibility date {value} is in the future: today is {today} in UTC, and Cloudflare refuses it"
        yield Refusal(rule="compatibility_date", message=message, path=path, value=value)


def name_refusals(target: Target) -> Iterator[Refusal]:
    """Yields a name that is too long for workers.dev. Wrangler itself refuses wrong letters."""
    name, path = target.text("name")
    is_routed = any(target.get(key)[0] for key in ("route", "routes"))
    on_workers_dev = target.get("workers_dev")[0]
    if len(name) > NAME_LENGTH and (on_workers_dev is True or (on_workers_dev is None and not is_routed)):
        message = f"the name has {len(name)} characters, and an address on workers.dev allows {NAME_LENGTH}"
        yield Refusal(rule="name", message=message, path=path, value=name)


def variable_refusals(target: Target, plan: str) -> Iterator[Refusal]:
    """Yields variables that are too large, too many, or also required secrets."""
    value, path = target.get("vars")
    variables = table(value)
    required, _ = target.get("secrets")
    for name in texts(table(required).get("required")):
        if name in variables:
            message = f"{name} is a variable and a required secret: Cloudflare refuses two bindings of one name"
            yield Refusal(rule="secret_is_variable", message=message, path=(*path, name))
    for name, each in variables.items():
        size = len((each if isinstance(each, str) else json.dumps(each)).encode())
        if size > VARIABLE_BYTES:
            message = f"the variable {name} has {size} bytes, and Cloudflare allows {VARIABLE_BYTES}"
            yield Refusal(rule="variable_size", message=message, path=(*path, name))
    severity, message = excess(plan, "variables", len(variables), "variables")
    if severity:
        yield Refusal(rule="variable_count", message=message, path=path, severity=severity)


def cron_refusals(target: Target, plan: str) -> Iterator[Refusal]:
    """Yields cron triggers that Cloudflare cannot read (error 10100 of the Workers API), and too many of them."""
    value, path = target.get("triggers")
    crons = texts(table(value).get("crons"))
    for place, expression in enumerate(crons):
        if problem := cron_problem(expression):
            message = f"Cloudflare refuses the cron trigger {expression!r}: {problem}"
            yield Refusal(rule="cron", message=message, path=(*path, "crons", place), value=expression)
    severity, message = excess(plan, "crons", len(crons), "cron triggers")
    if severity:
        yield Refusal(rule="cron_count", message=message, path=(*path, "crons"), severity=severity)


def route_refusals(target: Target) -> Iterator[Refusal]:
    """Yields routes that Cloudflare refuses (error 10022). The dry run refuses some of them, too, without a line."""
    single, path = target.get("route")
    many, paths = target.get("routes")
    listed = [
        (single, path),
        *((each, (*paths, place)) for place, each in enumerate(many if isinstance(many, list) else ())),
    ]
    for route, place in listed:
        is_domain = table(route).get("custom_domain") is True
        pattern = text(route) or text(table(route).get("pattern"))
        problem = domain_problem(pattern) if is_domain else route_problem(pattern)
        if pattern and problem:
            message = f"Cloudflare refuses the route {pattern!r}: {problem}"
            yield Refusal(
                rule="route", message=message, path=place if text(route) else (*place, "pattern"), value=pattern
            )


def route_problem(pattern: str) -> str:
    """Returns what is wrong with the pattern of a route, or an empty text.

    Source: Cloudflare's docs, "Routes", "Matching behavior" (read 2026-11-30).
    """
    scheme, found, rest = pattern.partition("://")
    if found and scheme not in {"http", "https", "*"}:
        return f"its scheme is {scheme}, and only http and https are allowed"
    host, slash, path = (rest if found else pattern).partition("/")
    if "?" in pattern or "#" in pattern:
        return "a pattern has no query and no fragment"
    if "*" in (host[1:] if slash else host[1:-1]):
        return "a wildcard in the host name stands at its beginning"
    if "*" in path[:-1]:
        return "a wildcard in the path stands at its end"
    return "" if host == "*" or re.search(r"[^.*]\.[^.*]", host) else "it names no zone"


def domain_problem(pattern: str) -> str:
    """Returns what is wrong with a custom domain, or an empty text."""
    if "*" in pattern or "/" in pattern:
        return "a custom domain has no path and no wildcard"
    return "" if not pattern or "." in pattern.strip(".") else "a custom domain is a full host name"
