"""Reads the log of a Worker's outbound requests from outbound.py, and makes findings of it. Standard library only."""

import http.client
import json
import time
from dataclasses import dataclass

LOG_HOST, LOG_PATH = "predeploy.invalid", "/predeploy/log"
LIMIT = 10
Finding = dict[str, str]
PlacedFinding = dict[str, object]
"""A finding that may have a line."""
Outcome = tuple[int, list[PlacedFinding], str]
"""Exit code, findings, and the summary of a pass."""


@dataclass(frozen=True)
class OutboundRequest:
    """One request of the Worker."""

    kind: str
    host: str
    reason: str
    queries: tuple[dict[str, object], ...]

    @property
    def errors(self) -> list[dict[str, object]]:
        """The queries that Postgres refused."""
        return [query for query in self.queries if query.get("sqlstate")]


def read_log(address: str) -> list[OutboundRequest]:
    """Returns all requests so far, the oldest first. Raises OSError if the service does not answer."""
    connection = http.client.HTTPConnection(address, timeout=LIMIT)
    try:
        connection.request("GET", LOG_PATH, headers={"Host": LOG_HOST})
        requests = json.loads(connection.getresponse().read())["requests"]
    finally:
        connection.close()
    return [
        OutboundRequest(each["kind"], each["host"], each.get("reason") or "", tuple(each.get("queries") or ()))
        for each in requests
    ]


def listens(address: str, wait: float) -> bool:
    """Waits at most `wait` seconds until a program listens at `address`. Returns whether it does."""
    deadline = time.monotonic() + wait
    while True:
        connection = http.client.HTTPConnection(address, timeout=2)
        try:
            connection.connect()
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
        finally:
            connection.close()


def without_verdict(asked: list[OutboundRequest]) -> tuple[str, Finding] | None:
    """Returns the kind and the finding of a request that allows no verdict on the Worker, or None."""
    for kind, said in (("lost", "its database was lost"), ("unspoken", "this check does not support the request")):
        first = next((each for each in asked if each.kind == kind), None)
        if first is not None:
            words = f"the Worker sent a request to {first.host}, but {said}: {first.reason}"
            return kind, {"tool": "outbound", "rule": kind, "message": words}
    return None


def findings(asked: list[OutboundRequest]) -> list[Finding]:
    """Returns the Worker's failed outbound requests, each once: refused hosts, and errors of Postgres."""
    found = [
        {
            "tool": "outbound",
            "rule": "unknown_host",
            "message": f"the Worker sent a request to {each.host}, which was refused: only its database is reachable",
        }
        for each in asked
        if each.kind == "refused"
    ]
    found += [postgres_error(query) for each in asked for query in each.errors]
    return list({json.dumps(each): each for each in found}.values())


def judged(outcome: Outcome, outbound: str) -> Outcome:
    """Returns the outcome with the code's outbound requests in mind. `outbound` is host and port of their service.

    7: an unsupported request; 8: the database is lost; 9: an error after a request to a host of production alone.
    """
    code, found, summary = outcome
    if code not in {0, 1, 10}:
        return outcome
    asked = read_log(outbound)
    undecided = without_verdict(asked)
    if undecided is not None:
        return {"unspoken": 7, "lost": 8}[undecided[0]], [dict(undecided[1]), *found], ""
    refused: list[PlacedFinding] = [dict(each) for each in findings(asked) if each["rule"] == "unknown_host"]
    if code == 0:
        return 0, [{**each, "severity": "warning"} for each in refused], summary
    if code == 1 and refused:
        return 9, [*refused, *found], ""
    more: list[PlacedFinding] = [dict(each) for each in findings(asked)]
    return code, [*found, *more], ""


def without_bindings(names: list[str]) -> Finding:
    """Returns the finding for an error of a Worker that lacks here what some of its bindings have at Cloudflare."""
    shown = ", ".join(names)
    words = f"bindings of the Worker lack here what they have at Cloudflare, so its error is no verdict: {shown}"
    return {"tool": "worker", "rule": "remote_binding", "message": words}


def postgres_error(query: dict[str, object]) -> Finding:
    """Returns the finding for an error of Postgres, with its code, and the column or constraint that it names."""
    about = next((f" ({name} {query[name]})" for name in ("column", "constraint") if query.get(name)), "")
    said = str(query["message"])
    about = "" if any(str(query.get(name)) in said for name in ("column", "constraint") if query.get(name)) else about
    detail = f": {query['detail']}" if query.get("detail") else ""
    return {
        "tool": "postgres",
        "rule": str(query["sqlstate"]),
        "message": f"{said}{about}{detail}, SQLSTATE {query['sqlstate']}, in {first_words(query)}",
    }


def first_words(query: dict[str, object]) -> str:
    """Returns the beginning of a statement, at most 80 characters."""
    words = " ".join(str(query.get("query") or "").split())
    return words if len(words) <= 80 else f"{words[:79].rstrip()}…"
