"""Sends a real request to a server, as a proxy in front of it would. Prints one JSON document.

Waits until the server listens, follows redirects on the site's own hosts, and expects 2xx at the end. Exit codes:

    0 healthy
    1 the server gave another answer, or none
    4 the server never listened
    5 no path is configured, and the guesses (`--path`, `--else`) do not exist, need a login or leave the host. With
      `--outbound` this is a gap: a Worker that answers so is loaded, and Cloudflare asks no path in a deploy
    6 with `--proof`: another program answered
    7 with `--outbound`: the Worker sent an unsupported request. A refused host is only a warning if all else is well
    8 with DATABASE_URL or `--outbound`: the database is gone, even if the page works without it
    9 with `--remote`: an error, which a binding that exists only at Cloudflare may cause
    10 with `--healthcheck`: it failed, and something that only production has may be the cause
    11 with `--healthcheck`: the HEALTHCHECK of the image failed
    12 each healthy path needs a row of the database that only production has
"""

import argparse
import http.client
import json
import os
import sys
from pathlib import Path

from image_health import image_health
from outbound_log import Finding, findings, listens, read_log, without_bindings, without_verdict
from visitor import REDIRECTS, HealthAnswer, HealthServer, follow, listen, read_server, share


def said(rule: str, message: str) -> list[Finding]:
    return [{"tool": "http", "rule": rule, "message": message}]


Outcome = tuple[int, list[Finding], str]
"""Exit code, findings, and the summary of a pass."""
GAP = "gap"
"""The rule of a finding of a pass that is a gap in the proof."""


def request(server: HealthServer, path: str) -> HealthAnswer | Outcome:
    """Requests a path. Returns the answer, or the outcome if there is none or another program gave it."""
    try:
        answer = follow(server, path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 1, said("no_answer", f"GET {path} got no answer: {str(error) or type(error).__name__}"), ""
    if server.proof and answer.mark.partition(" ")[0] != server.proof:
        words = f"GET {path} was answered by another program, not by the Worker that this check started"
        return 6, said("another_program", words), ""
    if answer.lacks and server.silent:
        return 0, [], f"it is loaded, without a `{answer.lacks}` handler for requests, {answer.mark.partition(' ')[2]}"
    return answer


def unhealthy(answer: HealthAnswer) -> Outcome:
    """Returns the outcome for an answer that a healthy server does not give."""
    if answer.rows:
        hint = 'Name a path that works without it: health = "/…" for the component in predeploy.toml'
        return 12, said("rows", f"{answer.without_rows}. {hint}"), ""
    return 1, said("redirect" if answer.status in REDIRECTS else str(answer.status), answer.text), ""


def healthy(answer: HealthAnswer) -> Outcome:
    """Returns the outcome for a healthy answer. The summary also names the runtime of a Worker."""
    runtime = answer.mark.partition(" ")[2]
    return 0, [], f"GET {answer.path} {answer.status}" + (f", {runtime}" if runtime else "")


def ask(server: HealthServer, paths: list[str], other: str = "", also: str = "") -> Outcome:
    """Requests all paths, or with `other` the first healthy one of two guesses; then `also`, which visitors see."""
    code, found, summary = guess(server, [*paths, other]) if other else ask_all(server, paths)
    if code != 0 or not also or also in paths or f"GET {also} " in f"{summary} ":
        return code, found, summary
    answer = request(server, also)
    if not isinstance(answer, HealthAnswer):
        return answer
    if answer.rows:
        return 0, [*found, *said(GAP, answer.without_rows)], summary
    if answer.status >= 500 or answer.is_cut:
        return unhealthy(answer)
    return 0, found, f"{summary}, GET {answer.path} {answer.status}"


def ask_all(server: HealthServer, paths: list[str]) -> Outcome:
    """Requests configured paths. Each of them has to be healthy."""
    summaries = []
    for path in paths:
        answer = request(server, path)
        if not isinstance(answer, HealthAnswer):
            return answer
        if not answer.healthy:
            return unhealthy(answer)
        summaries.append(healthy(answer)[2])
    return 0, [], ", ".join(summaries)


def guess(server: HealthServer, paths: list[str]) -> Outcome:
    """Requests paths until one is healthy. Without one there is no verdict, unless an answer is an error."""
    answers: list[HealthAnswer] = []
    for path in paths:
        answer = request(server, path)
        if not isinstance(answer, HealthAnswer):
            return answer
        if answer.healthy:
            code, _, summary = healthy(answer)
            return code, [gap for each in answers if each.rows for gap in said(GAP, each.without_rows)], summary
        if not (answer.strange or answer.rows):
            return unhealthy(answer)
        answers.append(answer)
    lacking = next((each for each in answers if each.rows), None)
    if lacking is not None:
        return unhealthy(lacking)
    tried = "; ".join(answer.text for answer in answers)
    hint = 'Set the path for the health check: health = "/…" for the component in predeploy.toml'
    return 5, said("no_health_path", f"the server answers, but at none of the common paths: {tried}. {hint}"), ""


def lost_database(url: str) -> str:
    """Returns why the database does not accept a connection, or an empty text. Without a URL there is no database."""
    if not url:
        return ""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        return str(error).strip().partition("\n")[0]
    return ""


def ask_unknown(server: HealthServer, outcome: Outcome, unknown: str) -> Outcome:
    """Adds to a pass what a path answers that no file has. A server's error is a warning: visitors see it."""
    code, found, summary = outcome
    answer = request(server, unknown) if unknown and code == 0 else None
    if not isinstance(answer, HealthAnswer):
        return outcome
    warning = [{**said(str(answer.status), answer.text)[0], "severity": "warning"}] if answer.status >= 500 else []
    return code, [*found, *warning], f"{summary}, an unknown path {answer.status}"


def ask_worker(
    server: HealthServer, paths: list[str], other: str, outbound: str, wait: float, unknown: str = ""
) -> Outcome:
    """Does the same for a Worker, and adds findings about its outbound requests. `outbound` is host and port."""
    if not listens(outbound, wait):
        return (
            8,
            said("not_ready", f"the service for the Worker's outbound requests did not listen within {wait:g} s"),
            "",
        )
    code, found, summary = ask_unknown(server, ask(server, paths, other), unknown)
    if code not in {0, 1}:
        return code, found, summary
    asked = read_log(outbound)
    undecided = without_verdict(asked)
    if undecided is not None:
        return {"unspoken": 7, "lost": 8}[undecided[0]], [undecided[1], *found], ""
    if code == 0:  # the Worker is healthy without the refused hosts; the intake check is stricter
        refused = (each for each in findings(asked) if each["rule"] == "unknown_host")
        return 0, [*found, *({**each, "severity": "warning"} for each in refused)], summary
    return 1, [*found, *findings(asked)], ""


def without_gaps(found: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Returns the findings that are no gaps, and the texts of the gaps."""
    gaps = [str(each["message"]) for each in found if each["rule"] == GAP]
    return [each for each in found if each["rule"] != GAP], gaps


def with_limits(options: argparse.Namespace) -> argparse.Namespace:
    """Returns the options with longer limits on a busy machine."""
    options.wait, options.limit = share(options.within, options.wait), share(options.within, options.limit)
    options.healthcheck_wait *= max(1, options.within / options.usual) if options.usual else 1
    return options


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", action="append", required=True)
    parser.add_argument("--else", dest="other", default="", help="the second path; both are only guesses then")
    parser.add_argument("--also", default="", help="a path that must not be a server's error; it may be missing")
    parser.add_argument("--facts", type=Path, help="a JSON file with the hosts and the header that the settings trust")
    parser.add_argument("--wait", type=float, default=30, help="seconds until the server has to listen")
    parser.add_argument("--limit", type=float, default=30, help="seconds until it has to answer")
    parser.add_argument("--within", type=float, default=0, help="the limit of this step: a longer one extends both")
    parser.add_argument("--usual", type=float, default=0, help="its limit on an idle machine: a longer one extends all")
    parser.add_argument("--proof", default="", help="the first word of X-Predeploy in an answer of the right program")
    parser.add_argument("--silent", action="store_true", help="a Worker need not answer: it handles other events")
    parser.add_argument("--outbound", default="", help="host and port of the service for a Worker's outbound requests")
    parser.add_argument("--unknown", default="", help="a path that no file of a Worker's assets has")
    parser.add_argument("--remote", action="append", default=[], help="a binding that exists only at Cloudflare")
    parser.add_argument("--healthcheck", default="", help="file and line of the image's HEALTHCHECK")
    parser.add_argument("--healthcheck-wait", type=float, default=120, help="seconds until it has to end")
    parser.add_argument("--doubt", action="append", default=[], help="a package for a service that the run lacks")
    options = with_limits(parser.parse_args())
    server, paths, other = read_server(options), options.path, options.other
    if silence := listen(server, options.wait):
        code, found, summary = 4, said("not_ready", f"the server is not ready: {silence}"), ""
    elif options.outbound:
        code, found, summary = ask_worker(server, paths, other, options.outbound, options.wait, options.unknown)
    else:
        code, found, summary = ask(server, paths, other, options.also)
    found, gaps = without_gaps(found)
    if code == 5 and options.outbound:
        gaps = [str(each["message"]) for each in found]
        code, found, summary = 0, [], "it answers, but not with 2xx"
    if code == 1 and options.remote:
        code, found = 9, [without_bindings(options.remote), *found]
    if code == 0:
        code, more, own = image_health(options.healthcheck, options.healthcheck_wait, options.doubt)
        found, summary = [*found, *more], ", ".join(filter(None, (summary, own)))
    if code == 0 and (missing := lost_database(os.environ.get("DATABASE_URL", ""))):
        code, found, summary = 8, said("database", f"the server answers, but its database is gone: {missing}"), ""
    print(json.dumps({"diagnostics": found, "summary": summary, **({"gaps": gaps} if gaps else {})}))
    return code


if __name__ == "__main__":
    sys.exit(main())
