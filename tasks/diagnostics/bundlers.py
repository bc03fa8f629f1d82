"""Parsers of the builders of Workers and sites: wrangler, Astro, Vite, Eleventy and Next."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.diagnostics.javascript import drawn, esbuild, raised
from tasks.diagnostics.node import tsc
from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, last_line, number, shortened
from tasks.diagnostics.sites.called_linters import linted
from tasks.diagnostics.sites.dead_links import dead_links
from tasks.diagnostics.sites.next_build import next_errors, prerendered
from tasks.diagnostics.sites.rendering import plugged, rendering, templated, traced
from tasks.models import Diagnostic, Severity

_ENTRY = re.compile(r'entry-point file at "(?P<path>[^"]+)" was not found')
_WRANGLER_FILE = re.compile(r'(?:^|(?<=[\s"\']))(?P<path>[^\s"\']*wrangler\.(?:toml|jsonc?))')
_WRANGLER_YOURS = re.compile(r'to your "?(?P<path>wrangler\.(?:toml|jsonc?))')
_UNEXPORTED = re.compile(r"which are not exported in your entrypoint file: (?P<names>.+?)\.?$")
_ENTRYPOINT = re.compile(r"from your entrypoint, (?P<path>\S+?)\.?$", re.MULTILINE)
_LARGE_ASSET = re.compile(
    r"sizes of up to (?P<limit>[\d.]+ \w+)\. We found a file (?P<path>.+) with a size of (?P<size>[\d.]+ \w+)"
)
# A bullet above deeper ones is a heading.
_BULLET = re.compile(r"^(?P<indent>[ \t]+)- (?P<message>.+)$(?!\n(?P=indent)[ \t]+- )", re.MULTILINE)
_UPLOAD = re.compile(r"^Total Upload: .+$", re.MULTILINE)
_BUILD_FAILED = re.compile(r"^Build failed with \d+ errors?:")

_FUNCTIONS = "functions"
# The output of the build command of a wrangler file, and wrangler's own errors after it.
_CUSTOM = "[custom build] "
_OF_CUSTOM = re.compile(r"Process exited with non-zero status|^Running custom build")
_STAMP = re.compile(r"^\d\d:\d\d:\d\d (?:\[ERROR\] )?", re.MULTILINE)
_LOCATION = re.compile(
    r"^[ \t]+(?:Location:\n[ \t]+(?=[^\s:]*/)|file: (?=/))(?P<path>[^\n:]+?)(?::(?P<line>\d+):(?P<column>\d+))?$",
    re.MULTILINE,
)
_LABEL = re.compile(
    r"^(?:\[(?:ERROR|vite|build|astro|config|content)\] )*(?:\[(?P<rule>[\w:.@/ -]+)\]:? )?(?P<message>.+)$"
)
_UNRESOLVED = re.compile(
    r"(?P<message>(?:Rolldown |Rollup )?(?:[Ff]ailed to|Could not) resolve (?:import )?(?P<what>\S+?)) "
    r"(?:from|in|imported by) [\"']?(?P<path>[^\s\"']+?)[\"']?[.,]?(?:\s|$)"
)
_CAUSE = re.compile(r"^.*\bthrew an error\n+Caused by:\n[ \t]+(?P<message>\S.*)$", re.MULTILINE)
_TRANSFORM = re.compile(r"^(?P<path>[^\s:]+):(?P<line>\d+):(?P<column>\d+): ERROR: (?P<message>.+)$", re.MULTILINE)
_ROLLUP = re.compile(r"^(?P<path>[^\s(]+) \((?P<line>\d+):(?P<column>\d+)\): (?P<message>.+)$", re.MULTILINE)
_CONFIG_ISSUE = re.compile(r"^! (?P<message>.+)$", re.MULTILINE)
_ELEVENTY = re.compile(r"^\[11ty\] (?P<number>\d+)\. (?P<message>.+)$", re.MULTILINE)
_ELEVENTY_FILE = re.compile(r"(?:template|in|file) (?P<path>\./\S+)|\((?P<path2>\./[^\s)]+)\)")
_ELEVENTY_PLACE = re.compile(r"\[Line (\d+), Column (\d+)\]|\((\d+):(\d+)\)|line:(\d+), col:(\d+)")


def wrangler(output: ToolOutput) -> Parsed:
    """Reads `wrangler deploy --dry-run`."""
    found = _custom_build(output)
    for finding, body in esbuild(output, "wrangler"):
        if found and _OF_CUSTOM.search(finding.message):
            continue
        found.extend(_wrangler_findings(finding, body, output.mapper))
    if not found:
        error = raised(output.stderr, output.mapper, "wrangler")
        found += [error] if error else []
    upload = _UPLOAD.search(output.stdout)
    return Parsed(diagnostics=deduplicated(found), summary=upload[0] if upload else "")


def _custom_build(output: ToolOutput) -> list[Diagnostic]:
    """Returns what the build command of the wrangler file reports."""
    lines = [line.removeprefix(_CUSTOM) for line in output.text.splitlines() if line.startswith(_CUSTOM)]
    if not lines or "Running custom build" not in output.text:
        return []
    text = "\n".join(lines)
    found = site_build(replace(output, stdout=text, stderr="")).diagnostics
    last = Diagnostic(tool="wrangler", message=shortened(last_line(text)))
    return [replace(each, tool="wrangler") for each in found] or [last]


def pages_functions(output: ToolOutput) -> Parsed:
    """Reads `wrangler pages functions build`.

    Paths are relative to the folder of the functions; those of errors of syntax begin with the folder's name.
    """
    folder = posixpath.join(output.mapper.cwd, _FUNCTIONS)
    found = wrangler(replace(output, mapper=replace(output.mapper, cwd=folder))).diagnostics
    twice, once = (posixpath.normpath(posixpath.join(folder, name)) + "/" for name in (_FUNCTIONS, "."))
    files = [re.sub(rf"^{re.escape(twice)}", once, each.file) if each.file else None for each in found]
    placed = tuple(replace(each, file=file) for each, file in zip(found, files, strict=True))
    return Parsed(diagnostics=placed, summary="" if found else "functions compiled")


def _wrangler_findings(finding: Diagnostic, body: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    config = _WRANGLER_FILE.search(finding.message)
    entry = _ENTRY.search(finding.message)
    unexported, asset = _UNEXPORTED.search(finding.message), _LARGE_ASSET.search(body)
    if _BUILD_FAILED.match(finding.message) and not finding.file:
        return  # only a heading: the findings follow it
    if finding.message.startswith("Processing ") and config:
        for bullet in _BULLET.finditer(body):
            file = mapper.relative(config["path"])
            yield replace(finding, message=shortened(bullet["message"]), file=file, rule="config")
    elif unexported:
        place = _ENTRYPOINT.search(body)
        file = mapper.relative(place["path"]) if place else None
        yield replace(
            finding, message=f"{finding.message} Export {unexported['names']} from it.", file=file, rule="no_export"
        )
    elif asset:
        message = f"the asset has {asset['size']}, and Cloudflare allows {asset['limit']}"
        yield replace(finding, message=message, file=mapper.relative(asset["path"]), rule="asset_size")
    elif entry:
        yield replace(finding, file=mapper.relative(entry["path"]), rule="entry_point")
    elif finding.file and _WRANGLER_FILE.search(finding.file):
        yield replace(finding, rule="config")
    else:
        named = config or _WRANGLER_YOURS.search(body)
        file = finding.file or (mapper.relative(named["path"]) if named else None)
        below = body.strip() if finding.message.endswith(":") and not finding.file else ""
        yield replace(finding, message=shortened(f"{finding.message} {below}"), file=file)


def site_build(output: ToolOutput) -> Parsed:
    """Reads the build of a static site by any generator."""
    text = _STAMP.sub("", output.text)
    mapper = output.mapper
    found = [*drawn(text, mapper, "build"), *_typed(output)]
    for reader in (_located, _transformed, _unresolved):
        for finding in reader(text, mapper):
            if not any(_is_same(finding, known) for known in found):
                found.append(finding)
    for guess in (_eleventy, next_errors, _misconfigured):
        found.extend(guess(text, mapper) if not found else ())
    found.extend(finding for finding, _ in esbuild(output, "build") if finding.file or not found)
    found += [] if found else linted(text, mapper)
    found += [] if found else dead_links(text)
    if not found:
        found += [Diagnostic(tool="build", message=shortened(match["message"])) for match in _CAUSE.finditer(text)]
    if not found:
        found += templated(text, mapper)
    if not found:
        error = raised(text, mapper, "build")
        found += [rendering(error, text)] if error else plugged(text)
    if not found:
        found += traced(text, mapper)
    return Parsed(diagnostics=deduplicated(found))


def _typed(output: ToolOutput) -> Iterator[Diagnostic]:
    """Yields the errors of a type checker that the build script calls."""
    for finding in tsc(output).diagnostics:
        if finding.severity is Severity.ERROR:
            yield replace(finding, tool="build")


def _is_same(new: Diagnostic, known: Diagnostic) -> bool:
    """Whether two findings have the same place. Vite and Astro both report an error."""
    return new.file == known.file and (new.line is None or new.line == known.line)


def _located(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields Astro's errors: a message, then an indented `Location:` with the place."""
    for match in _LOCATION.finditer(text):
        above = text[: match.start()].rstrip("\n").split("\n")
        start = next((n for n in range(len(above) - 1, -1, -1) if above[n] and not above[n][0].isspace()), None)
        label = _LABEL.match(above[start]) if start is not None else None
        if label is None or start is None:
            continue
        detail = [line.strip() for line in above[start + 1 :] if line.strip()]
        detail = detail[: next((n for n, line in enumerate(detail) if line.startswith(("Hint:", "Error ref"))), None)]
        line = number(match["line"])
        yield Diagnostic(
            tool="build",
            message=shortened(" ".join([label["message"], *(part.replace("**", "") for part in detail)])),
            file=mapper.own(match["path"]),
            line=line,
            # Astro counts columns from 0.
            column=int(match["column"]) + 1 if line and int(match["column"]) else None,
            rule=label["rule"],
        )


def _transformed(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors of esbuild in Vite 4 to 7, and of Rollup."""
    for match in (*_TRANSFORM.finditer(text), *_ROLLUP.finditer(text)):
        yield Diagnostic(
            tool="build",
            message=shortened(match["message"]),
            file=mapper.own(match["path"]),
            line=int(match["line"]),
            column=int(match["column"]) + 1,
        )


def _unresolved(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    for match in _UNRESOLVED.finditer(text):
        file = mapper.own(match["path"])
        message = f"could not resolve {match['what']}"
        yield Diagnostic(tool="build", message=message, file=file, rule="UNRESOLVED_IMPORT")


def _eleventy(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    causes = list(_ELEVENTY.finditer(text))
    if not causes:
        return
    messages = "\n".join(cause["message"] for cause in causes)
    file, place = _ELEVENTY_FILE.search(text), _ELEVENTY_PLACE.search(messages)
    numbers = [group for group in place.groups() if group] if place else ["", ""]
    yield Diagnostic(
        tool="build",
        message=shortened(causes[-1]["message"].partition(" (via ")[0]),
        file=mapper.own(file["path"] or file["path2"]) if file else None,
        line=number(numbers[0]),
        column=number(numbers[1]),
    )


def _misconfigured(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors of Astro and Next without a file: wrong configuration, and pages that cannot be rendered."""
    if "issue(s) with your configuration" in text:
        for match in _CONFIG_ISSUE.finditer(text):
            yield Diagnostic(tool="build", message=shortened(match["message"].replace("**", "")), rule="config")
    yield from prerendered(text, mapper)
