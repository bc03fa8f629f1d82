"""Calls the `scheduled` handler of a Worker once for each of its cron triggers. Prints one JSON document. Exit codes:

0 every call ended well
1 the handler threw an exception, or is missing
4 the server never listened
6 another program answered
7 the Worker sent an unsupported request
8 the database or the service for outbound requests is gone
9 the handler failed after a request to a host that only production reaches
10 the handler had not ended when the time was over
    11 with `--remote`: an exception, which a binding that exists only at Cloudflare may cause
"""

import argparse
import http.client
import json
import sys
from urllib.parse import urlencode

from outbound_log import Outcome, PlacedFinding, judged, listens, without_bindings
from visitor import HealthServer, listen, share

CALL = "X-Predeploy-Cron"


def said(rule: str, message: str) -> list[PlacedFinding]:
    return [{"tool": "cron", "rule": rule, "message": message}]


def call(server: HealthServer, cron: str) -> Outcome:
    """Calls the handler with one trigger."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=server.limit)
    try:
        connection.request("GET", f"/?{urlencode({'cron': cron})}", headers={CALL: server.proof})
        response = connection.getresponse()
        mark, body = response.headers.get("X-Predeploy", ""), response.read()
    except TimeoutError:
        return 10, said("slow", f"`scheduled` for {cron!r} had not ended after {server.limit:g} s"), ""
    except (OSError, http.client.HTTPException) as error:
        return 1, said("no_answer", f"`scheduled` for {cron!r} ended the runtime: {type(error).__name__}: {error}"), ""
    finally:
        connection.close()
    if mark.partition(" ")[0] != server.proof:
        return 6, said("another_program", "another program answered, not the Worker that this check started"), ""
    outcome = json.loads(body)["outcome"]
    if outcome == "ok":
        return 0, [], mark.partition(" ")[2]
    return 1, said(outcome, f"`scheduled` failed for the trigger {cron!r} ({outcome})"), ""


def call_all(server: HealthServer, crons: list[str]) -> Outcome:
    """Calls the handler with each trigger, until one call fails."""
    runtime = ""
    for cron in crons:
        code, found, runtime = call(server, cron)
        if code != 0:
            return code, found, ""
    return 0, [], f"`scheduled` ended well for {', '.join(crons)}, {runtime}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cron", action="append", required=True)
    parser.add_argument(
        "--proof", required=True, help="the first word of X-Predeploy in an answer of the right program"
    )
    parser.add_argument("--outbound", required=True, help="host and port of the service for outbound requests")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=60, help="seconds until a call has to end")
    parser.add_argument("--within", type=float, default=0, help="the limit of this step: a longer one extends both")
    parser.add_argument("--remote", action="append", default=[], help="a binding that exists only at Cloudflare")
    options = parser.parse_args()
    options.wait, options.limit = share(options.within, options.wait), share(options.within, options.limit)
    server = HealthServer(host=options.host, port=options.port, limit=options.limit, proof=options.proof)
    silence = listen(server, options.wait)
    if silence:
        code, found, summary = 4, said("not_ready", f"the server is not ready: {silence}"), ""
    elif not listens(options.outbound, options.wait):
        words = f"the service for the Worker's outbound requests did not listen within {options.wait:g} s"
        code, found, summary = 8, said("not_ready", words), ""
    else:
        code, found, summary = judged(call_all(server, options.cron), options.outbound)
    if code == 1 and options.remote:
        code, found = 11, [dict(without_bindings(options.remote)), *found]
    print(json.dumps({"diagnostics": found, "summary": summary}))
    return code


if __name__ == "__main__":
    sys.exit(main())
