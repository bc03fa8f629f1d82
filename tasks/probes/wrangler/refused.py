"""Finds what Cloudflare refuses of a deploy, in a Worker's wrangler file and bundle. Prints one JSON document.

Runs in the folder in which wrangler runs. `--config` is the wrangler file of the tree, which has the lines. If a build
wrote another one, as `--deployed` or `.wrangler/deploy/config.json` says, that one counts. Exit codes: 0 nothing is
refused, 1 something is, 5 an id is a variable that another program fills.
"""

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wrangler_assets import asset_refusals
from wrangler_bundle import handler_refusals, node_refusals, queue_refusals, read_bundle, size_refusals
from wrangler_classes import unexported, unmigrated
from wrangler_file import WranglerFile, read_wrangler_file
from wrangler_findings import Refusal, Target, table, text
from wrangler_ids import id_refusals
from wrangler_limits import PLANS
from wrangler_services import entrypoint_refusals
from wrangler_triggers import cron_refusals, date_refusals, name_refusals, route_refusals, variable_refusals

REDIRECT = ".wrangler/deploy/config.json"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The wrangler file that a deploy reads, at `path`, and the one of the tree, which has the lines."""

    path: Path
    source: WranglerFile
    target: Target


def read_deployed(options: argparse.Namespace) -> Deployed | None:
    """Returns the wrangler file that a deploy reads; None if it is broken, because wrangler itself then says so."""
    config, environment = options.config, options.environment
    source = read_wrangler_file(config, os.path.normpath(Path(options.within) / config))
    path = options.deployed or redirected(config.parent / REDIRECT) or config
    result = read_wrangler_file(path, path.as_posix()) if path != config else source
    if source is None or result is None:
        return None
    if "env" not in result.document and path != config:
        environment = ""  # a build writes the sections of one environment
    document = given_document(result.document, environment, json.loads(options.given))
    return Deployed(path=path, source=source, target=Target(document=document, environment=environment))


def given_document(document: Mapping[str, object], environment: str, given: dict[str, object]) -> dict[str, object]:
    """Returns the wrangler file with the values that options of the command line replace."""
    sections = table(document.get("env"))
    own = {**table(sections.get(environment)), **given}
    variables = table(given.get("vars"))
    if variables:
        own["vars"] = {**table(table(sections.get(environment)).get("vars")), **variables}
        given = {**given, "vars": {**table(document.get("vars")), **variables}}
    return {**document, **given, **({"env": {**sections, environment: own}} if environment else {})}


def redirected(file: Path) -> Path | None:
    """Returns the wrangler file that a build wrote instead of the one in the tree, or None."""
    try:
        named = text(json.loads(file.read_text(encoding="utf-8")).get("configPath"))
    except (OSError, ValueError, AttributeError):
        return None
    return file.parent / named if named else None


def refusals(deployed: Deployed, options: argparse.Namespace) -> Iterator[Refusal]:
    """Yields what is refused of the wrangler file, and of the bundle if there is one."""
    target = deployed.target
    if options.bound:
        yield from entrypoint_refusals(target, {name: Path(folder) for name, folder in options.bound})
        return
    if options.bundle is None:
        yield from date_refusals(target, options.today)
        yield from name_refusals(target)
        yield from variable_refusals(target, options.plan)
        yield from cron_refusals(target, options.plan)
        yield from route_refusals(target)
        yield from id_refusals(target)
        yield from unmigrated(target)
        return
    bundle = read_bundle(options.bundle, target.text("main")[0])
    if bundle is not None:
        yield from size_refusals(bundle)
        yield from node_refusals(target, bundle)
        yield from handler_refusals(bundle)
        yield from queue_refusals(target, bundle)
        if bundle.exports is not None:
            yield from unexported(target, bundle.exports, target.text("main")[0] or bundle.entry)
    within = os.path.normpath(Path(options.within) / deployed.path.parent)
    yield from asset_refusals(target, deployed.path.parent, within, options.plan)


def shown(refusal: Refusal, source: WranglerFile) -> dict[str, object]:
    """Returns a finding as the document has it."""
    return {
        "tool": "cloudflare",
        "file": refusal.file or source.name,
        "line": refusal.line if refusal.file else source.line(refusal.path, refusal.value),
        "severity": refusal.severity,
        "rule": refusal.rule,
        "message": refusal.message,
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--deployed", type=Path, help="the wrangler file that the deploy names instead")
    parser.add_argument("--within", default=".", help="the folder in the tree, for file names")
    parser.add_argument("--environment", default="", help="the environment of the wrangler file")
    parser.add_argument("--given", default="{}", help="values of the wrangler file that options of wrangler replace")
    parser.add_argument("--plan", choices=PLANS, default="paid")
    parser.add_argument("--bundle", type=Path, help="the folder of the bundle; without it the wrangler file is read")
    bound = "the name of another Worker and its bundle: only bindings to its entrypoints are read"
    parser.add_argument("--bound", action="append", default=[], nargs=2, help=bound)
    parser.add_argument("--today", type=dt.date.fromisoformat, default=dt.datetime.now(dt.UTC).date())
    options = parser.parse_args()
    deployed = read_deployed(options)
    found = [] if deployed is None else list(refusals(deployed, options))
    found.sort(key=lambda each: (each.severity != "error", each.is_open))
    diagnostics = [shown(each, deployed.source) for each in found] if deployed else []
    print(json.dumps({"diagnostics": diagnostics, "summary": ""}))
    errors = [each for each in found if each.severity == "error"]
    if not errors:
        return 0
    return 5 if all(each.is_open for each in errors) else 1


if __name__ == "__main__":
    sys.exit(main())
