"""Sends requests to a Pages project: to paths, and to the routes of its functions. Prints one JSON document.

No answer may be a server's error. Exit codes:

    0 every request was answered
    1 an answer was a server's error, or there was none
    4 the server never listened
    6 another program answered
    7 the code sent an unsupported request
    8 the database or the service for outbound requests is gone
    9 an error after a request to a host that only production reaches
    10 an error of a function that may come from this run: it says why
    11 with `--remote`: an error, which a binding that exists only at Cloudflare may cause
"""

import argparse
import http.client
import json
import os
import sys
from dataclasses import dataclass

from http_health import lost_database
from outbound_log import Outcome, PlacedFinding, judged, listens, without_bindings
from visitor import HealthAnswer, HealthServer, follow, listen, share

EXCEPTION = "error code: 1101"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A path to request. `place` is the file and line of the function that answers.

    `doubt` is the reason why an error of it is no verdict.
    """

    path: str
    place: str = ""
    doubt: str = ""

    def said(self, rule: str, message: str) -> list[PlacedFinding]:
        """Returns a finding at the function."""
        file, _, line = self.place.rpartition(":")
        place = {"file": file, "line": int(line)} if file else {}
        return [{"tool": "pages", "rule": rule, "message": message, **place}]


def ask(server: HealthServer, asked: Asked) -> HealthAnswer | Outcome:
    """Requests one path. Returns the answer, or the outcome if it is an error."""
    try:
        answer = follow(server, asked.path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"GET {asked.path} got no answer: {str(error) or type(error).__name__}"
        return 1, asked.said("no_answer", message), ""
    if answer.mark.partition(" ")[0] != server.proof:
        words = f"GET {asked.path} was answered by another program, not by the project that this check started"
        return 6, asked.said("another_program", words), ""
    if answer.status < 500 and not answer.is_cut:
        return answer
    # the output of the code has the place of an exception
    place = Asked(path=asked.path) if answer.body.startswith(EXCEPTION) else asked
    if not asked.doubt:
        return 1, place.said(str(answer.status), answer.text), ""
    advice = 'predeploy.toml may set the variables with `env`, or the paths to ask with health = ["/…"]'
    return 10, place.said("throwaway_value", f"{answer.text}. No verdict: {asked.doubt}. {advice}"), ""


def ask_all(server: HealthServer, requests: list[Asked]) -> Outcome:
    """Requests every path, until one answer is an error of the project. Doubtful errors count if there is no other."""
    doubtful: list[PlacedFinding] = []
    answers = []
    for asked in requests:
        answer = ask(server, asked)
        if isinstance(answer, HealthAnswer):
            answers.append(answer)
        elif answer[0] == 10:
            doubtful += answer[1]
        else:
            return answer
    if doubtful:
        return 10, doubtful, ""
    shown = ", ".join(f"GET {answer.path} {answer.status}" for answer in answers)
    return 0, [], f"{shown}, {answers[-1].mark.partition(' ')[2]}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", action="append", required=True)
    parser.add_argument("--route", action="append", default=[], nargs=3, metavar=("PATH", "PLACE", "DOUBT"))
    parser.add_argument("--proof", required=True, help="the first word of X-Predeploy in an answer of the project")
    parser.add_argument("--outbound", required=True, help="host and port of the service for outbound requests")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=15, help="seconds until it has to answer")
    parser.add_argument("--remote", action="append", default=[], help="a binding that exists only at Cloudflare")
    parser.add_argument("--within", type=float, default=0, help="the limit of this step: a longer one extends both")
    options = parser.parse_args()
    options.wait, options.limit = share(options.within, options.wait), share(options.within, options.limit)
    server = HealthServer(host=options.host, port=options.port, limit=options.limit, proof=options.proof)
    requests = [Asked(path=path) for path in options.path]
    requests += [Asked(path=path, place=place, doubt=doubt) for path, place, doubt in options.route]
    own = Asked(path="/")
    outcome: Outcome
    if silence := listen(server, options.wait):
        outcome = (4, own.said("not_ready", f"the server is not ready: {silence}"), "")
    elif not listens(options.outbound, options.wait):
        words = f"the service for outbound requests did not listen within {options.wait:g} s"
        outcome = (8, own.said("not_ready", words), "")
    else:
        outcome = judged(ask_all(server, requests), options.outbound)
    code, found, summary = outcome
    if code == 1 and options.remote:
        code, found = 11, [dict(without_bindings(options.remote)), *found]
    if code == 0 and (missing := lost_database(os.environ.get("DATABASE_URL", ""))):
        code, found = 8, own.said("database", f"the project answers, but its database is gone: {missing}")
    print(json.dumps({"diagnostics": found, "summary": summary}))
    return code


if __name__ == "__main__":
    sys.exit(main())
