"""Reads diagnostics in the outputs of tools. Each parser is pure and chosen by name. None decides on a check's pass."""

import re
from dataclasses import replace

from tasks.diagnostics.bundlers import pages_functions, site_build, wrangler
from tasks.diagnostics.django_text import django_check, migrations
from tasks.diagnostics.dockerfile import dockerfile
from tasks.diagnostics.generic import plain, probe
from tasks.diagnostics.installing.installers import npm, pnpm, uv
from tasks.diagnostics.installing.yarn_bun import bun, yarn
from tasks.diagnostics.linters import black, flake8, isort, pyright
from tasks.diagnostics.node import astro_check, eslint, svelte_check, tsc
from tasks.diagnostics.paths import ROOT, PathMapper, moved, rooted, roots_of
from tasks.diagnostics.pytest_text import pytest
from tasks.diagnostics.python import mypy, ruff, ruff_format
from tasks.diagnostics.reading import Parsed, Parser, ToolOutput, deduplicated, plain_text, readable
from tasks.diagnostics.settings_marks import gaps_of, without_marks
from tasks.diagnostics.tracebacks import from_tracebacks
from tasks.diagnostics.unittest_text import django_test
from tasks.diagnostics.vitest_json import vitest
from tasks.diagnostics.worker_text import worker
from tasks.models import Diagnostic

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")

__all__ = ["PARSERS", "Parsed", "parse"]

PARSERS: dict[str, Parser] = {
    "astro_check": astro_check,
    "black": black,
    "bun": bun,
    "django_check": django_check,
    "django_test": django_test,
    "dockerfile": dockerfile,
    "eslint": eslint,
    "flake8": flake8,
    "isort": isort,
    "migrations": migrations,
    "mypy": mypy,
    "npm": npm,
    "plain": plain,
    "pnpm": pnpm,
    "probe": probe,
    "pyright": pyright,
    "pytest": pytest,
    "ruff": ruff,
    "ruff_format": ruff_format,
    "site_build": site_build,
    "svelte_check": svelte_check,
    "traceback": from_tracebacks,
    "tsc": tsc,
    "uv": uv,
    "vitest": vitest,
    "worker": worker,
    "pages_functions": pages_functions,
    "wrangler": wrangler,
    "yarn": yarn,
}


def parse(
    parser: str,
    *,
    stdout: str,
    stderr: str,
    root: str,
    real_root: str = "",
    cwd: str,
    copies: tuple[tuple[str, str], ...] = (),
) -> Parsed:
    """Returns what a parser reads in an output. No output raises an error.

    `root` is the absolute path of the workspace during the run, `real_root` the same path without symbolic links. `cwd`
    is the tool's directory relative to it. If the tool ran in an image, `copies` has pairs of a place in the image and
    the matching path in the stack, and `root` is not used. Every file in the diagnostics is relative to the stack's
    root.
    """
    roots = () if copies else roots_of(root, real_root or root)
    mapper = PathMapper(roots=(ROOT, *roots), cwd=cwd)
    document = rooted(moved(without_marks(plain_text(stdout)), copies), roots)
    errors = without_marks(plain_text(stderr))
    output = ToolOutput(
        stdout=readable(document),
        stderr=readable(rooted(moved(errors, copies), roots)),
        document=document,
        errors=errors,
        mapper=mapper,
    )
    parsed = PARSERS[parser](output)
    stable = (_stable(each) for each in parsed.diagnostics)
    return Parsed(
        diagnostics=deduplicated(each for each in stable if each.message),
        summary=parsed.summary,
        tests=parsed.tests,
        gaps=(*parsed.gaps, *gaps_of(f"{stderr}\n{stdout}")),
    )


def _stable(finding: Diagnostic) -> Diagnostic:
    """Removes the workspace's path and addresses of objects, so that the fingerprint is the same in each run.

    Also removes a line and a column without a file.
    """
    message = finding.message.replace(f"{ROOT}/", "").replace(ROOT, ".")
    stable = replace(finding, message=_ADDRESS.sub("0x…", message))
    return stable if stable.file else replace(stable, line=None, column=None)
