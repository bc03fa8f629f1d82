"""Checks the rules for the host among static files: `_redirects`, `_headers` and, for Pages, `_routes.json`."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from host_headers import header_problems
from host_redirects import RuleProblem, redirect_problems
from host_routes import route_problems
from wrangler_findings import Refusal

# Folders from which builds copy files unchanged to their output.
SOURCES = ("public", "static", "assets", "src/public", "src/static", "source", ".")


def host_refusals(
    output: Path, root: Path, within: str, html_handling: str = "", *, is_worker: bool
) -> Iterator[Refusal]:
    """Yields wrong lines. Workers refuse some of them, and Pages only those of `_routes.json`.

    `output` has the deployed files, and `root` the files of the component, whose path in the stack is `within`.
    """
    if (text := read(output / "_redirects")) is not None:
        found = redirect_problems(text, html_handling)
        yield from shown(found, "_redirects", place_of("_redirects", output, root, within), is_strict=is_worker)
    if (text := read(output / "_headers")) is not None:
        yield from shown(
            header_problems(text), "_headers", place_of("_headers", output, root, within), is_strict=is_worker
        )
    if not is_worker and (text := read(output / "_routes.json")) is not None:
        place = place_of("_routes.json", output, root, within)
        yield from shown(route_problems(text), "_routes.json", place, is_strict=True)


def read(file: Path) -> str | None:
    """Returns the text of a file, or None without one."""
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None


def place_of(name: str, output: Path, root: Path, within: str) -> str:
    """Returns the path of a file in the stack: that of the source from which a build copied it, else of the output."""
    content = (output / name).read_bytes()
    folders = (root / folder for folder in SOURCES)
    sources = (folder / name for folder in folders if folder.resolve() != output.resolve())
    source = next((each for each in sources if each.is_file() and each.read_bytes() == content), output / name)
    return os.path.normpath(Path(within) / os.path.relpath(source, root))


def shown(problems: Iterable[RuleProblem], name: str, file: str, *, is_strict: bool) -> Iterator[Refusal]:
    """Yields the findings of one file. A line that is only ignored is a warning."""
    for problem in problems:
        is_red = problem.is_refused and is_strict
        what = "Cloudflare refuses the deploy" if is_red else "Cloudflare ignores the line"
        yield Refusal(
            rule=name.strip("_").partition(".")[0],
            message=f"{what}: {problem.message}",
            severity="error" if is_red else "warning",
            file=file,
            line=problem.line,
        )
