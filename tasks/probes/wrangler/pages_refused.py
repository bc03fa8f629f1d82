"""Finds what Cloudflare Pages refuses or ignores of a site. Prints one JSON document.

    pages_refused.py OUTPUT --within DIR

OUTPUT is the directory that Pages uploads, relative to the component in `--within`, in which this program runs, and
`--config` its wrangler file. Exit codes: 0 nothing is refused, 1 something is.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from host_files import host_refusals
from pages_config import config_refusals
from wrangler_assets import assets_of
from wrangler_findings import Refusal
from wrangler_limits import ASSET_BYTES, MIB, PLANS, excess

# Names that `wrangler pages deploy` does not upload (its docs, "Limits", and wrangler 4.156, read 2026-11-30).
LEFT_OUT = frozenset({"_worker.js", "_routes.json", "functions", "node_modules", ".git", ".wrangler"})


def page_refusals(output: Path, within: str, plan: str) -> Iterator[Refusal]:
    """Yields wrong rules, and files that are too large or too many."""
    yield from host_refusals(output, Path(), within, is_worker=False)
    files = [(name, size) for name, size in assets_of(output, []) if name.split("/")[0] not in LEFT_OUT]
    for name, size in files:
        if size > ASSET_BYTES:
            message = f"the file {name} has {size / MIB:.1f} MiB, and Cloudflare allows {ASSET_BYTES // MIB} MiB"
            yield Refusal(rule="asset_size", message=message, file=os.path.normpath(Path(within) / output / name))
    severity, message = excess(plan, "assets", len(files), "files")
    if severity:
        place = os.path.normpath(Path(within) / output)
        yield Refusal(rule="asset_count", message=message, file=place, severity=severity)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--within", default=".", help="the component in the tree, for file names")
    parser.add_argument("--plan", choices=PLANS, default="paid")
    parser.add_argument("--config", type=Path, help="the wrangler file")
    options = parser.parse_args()
    found = list(page_refusals(options.output, options.within, options.plan)) if options.output.is_dir() else []
    if options.config:
        found += config_refusals(options.config, os.path.normpath(Path(options.within) / options.config))
    found.sort(key=lambda each: each.severity != "error")
    diagnostics = [
        {
            "tool": "cloudflare",
            "file": each.file,
            "line": each.line,
            "severity": each.severity,
            "rule": each.rule,
            "message": each.message,
        }
        for each in found
    ]
    print(json.dumps({"diagnostics": diagnostics, "summary": ""}))
    return 1 if any(each.severity == "error" for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
