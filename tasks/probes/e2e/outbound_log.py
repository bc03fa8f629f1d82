"""What a Worker asked of the world, as the service that answers it wrote it down. See outbound.py. Standard library."""

import http.client
import json
import time
from dataclasses import dataclass

LOG_HOST, LOG_PATH = "predeploy.invalid", "/predeploy/log"
LIMIT = 10
Finding = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """One request of the Worker."""

    kind: str
    host: str
    reason: str
    queries: tuple[dict[str, object], ...]

    @property
    def errors(self) -> list[dict[str, object]]:
        """The queries that Postgres refused."""
        return [query for query in self.queries if query.get("sqlstate")]


def read_log(address: str) -> list[Asked]:
    """All that was asked so far, the oldest first. Raises OSError where nobody says."""
    connection = http.client.HTTPConnection(address, timeout=LIMIT)
    try:
        connection.request("GET", LOG_PATH, headers={"Host": LOG_HOST})
        requests = json.loads(connection.getresponse().read())["requests"]
    finally:
        connection.close()
    return [
        Asked(each["kind"], each["host"], each.get("reason") or "", tuple(each.get("queries") or ()))
        for each in requests
    ]


def listens(address: str, wait: float) -> bool:
    """Waits until the service takes connections."""
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


def without_verdict(asked: list[Asked]) -> tuple[str, Finding] | None:
    """Why nothing that the Worker did tells anything of it: its kind, and what to say."""
    for kind, said in (("lost", "its database went away"), ("unspoken", "that is not answered here")):
        first = next((each for each in asked if each.kind == kind), None)
        if first is not None:
            words = f"the Worker asked {first.host}, and {said}: {first.reason}"
            return kind, {"tool": "outbound", "rule": kind, "message": words}
    return None


def findings(asked: list[Asked]) -> list[Finding]:
    """What went wrong with what the Worker asked for, each once: hosts that nobody knows, and errors of Postgres."""
    found = [
        {
            "tool": "outbound",
            "rule": "unknown_host",
            "message": f"the Worker asked {each.host}, which is nobody that a validation knows: it was refused",
        }
        for each in asked
        if each.kind == "refused"
    ]
    found += [postgres_error(query) for each in asked for query in each.errors]
    return list({json.dumps(each): each for each in found}.values())


def postgres_error(query: dict[str, object]) -> Finding:
    """What Postgres said, with its code, and the column or constraint that it is about."""
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
    """Enough of a statement to know it by."""
    words = " ".join(str(query.get("query") or "").split())
    return words if len(words) <= 80 else f"{words[:79].rstrip()}…"
