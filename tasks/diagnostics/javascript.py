"""Reads what Node's tools have in common: stack traces, and the frames that bundlers draw around code."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import ToolOutput, shortened
from tasks.models import Diagnostic, Severity

_FRAME = re.compile(
    r"^[ \t]*(?:at (?:.*? \()?|\u276f (?:.*? )?)(?P<path>[^\s()]+?):(?P<line>\d+):(?P<column>\d+)\)?$", re.MULTILINE
)
_FROM = re.compile(r"(?:imported from|from|load config from) ['\"]?(?P<path>/[^\s'\"]+)")
_NODE_PLACE = re.compile(r"^(?P<path>file://\S+?|/\S+?):(?P<line>\d+)$", re.MULTILINE)
_ERROR = re.compile(
    r"^(?:Uncaught )?(?P<type>[A-Z]\w*(?:Error|Exception)|Error)(?: \[(?P<code>\w+)\])?: (?P<message>.+)$", re.MULTILINE
)
_LOOKUP = re.compile(r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) [\w.-]+")
# The package of a native tool for one platform, as its loader names it.
_BINARY = re.compile(
    r"(?:Cannot find module|[Tt]he package) ['\"]"
    r"(?P<name>(?:@[\w.-]+/)?[\w.-]*(?:linux|darwin|win32)-(?:x64|64|arm64|arm|ia32)[\w.-]*)['\"]"
    r"|Could not load the \"(?P<module>\w+)\" module using the (?P<platform>[\w-]+) runtime"
)
# An installed package that imports another one, which is not installed. A folder with a dot holds a tool's own files.
_UNINSTALLED = re.compile(
    r"Cannot find package '(?P<name>[^'\s]+)' imported from \S*node_modules/(?P<owner>(?:@[^/\s]+/)?[^./\s][^/\s]*)/"
)
_UNBOUND = re.compile(
    r"Cannot find native binding|Could not load the \"\w+\" module|could not be found, and is needed by"
    r"|npm/cli/issues/4828"
)
_DRAWN = re.compile(
    r"^(?!\s)(?:\[(?P<rule>[^\]\n]+)\] )?(?P<message>\S.*)\n"
    r"[ \t]*╭─+\[ ?(?P<path>[^\]\n]+?):(?P<line>\d+):(?P<column>\d+) ?\]",
    re.MULTILINE,
)
_ESBUILD = re.compile(
    r"^[ \t]*(?:✘|X|▲|!) \[(?P<level>ERROR|WARNING)\] (?P<message>.+)$(?P<body>(?:\n(?![ \t]*(?:✘|X|▲|!|🪵) ?).*)*)",
    re.MULTILINE,
)
_ESBUILD_PLACE = re.compile(r"^[ \t]*(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+):[ \t]*$", re.MULTILINE)


def stack_place(text: str, mapper: PathMapper) -> tuple[str | None, int | None, int | None]:
    """Returns file, line and column of the innermost frame in the stack's own files, or None for each."""
    for match in _FRAME.finditer(text):
        file = mapper.own(match["path"])
        if file:
            return file, int(match["line"]), int(match["column"])
    return None, None, None


def raised(text: str, mapper: PathMapper, tool: str) -> Diagnostic | None:
    """Returns the first error that a Node program printed, at the stack's own frame or in a file that it names."""
    error = _ERROR.search(text)
    if binary := absent_binary(text):
        return Diagnostic(tool=tool, message=binary, rule="absent_binary")
    lookup = _LOOKUP.search(text)
    if not error:
        return Diagnostic(tool=tool, message=lookup[0], rule="ENOTFOUND") if lookup else None
    tail = text[error.start() :]
    file, line, column = stack_place(tail, mapper)
    if file is None:
        # Node names the file of a syntax error in the line above it.
        shown = [match for match in _NODE_PLACE.finditer(text[: error.start()]) if mapper.own(match["path"])]
        file, line = (mapper.own(shown[-1]["path"]), int(shown[-1]["line"])) if shown else (None, None)
    if file is None:
        named = next((mapper.own(match["path"]) for match in _FROM.finditer(tail)), None)
        file = named or next((mapper.own(match["path"]) for match in _FROM.finditer(text)), None)
    message = error["message"] if not lookup or lookup[0] in error[0] else f"{error['message']}: {lookup[0]}"
    return Diagnostic(
        tool=tool,
        message=shortened(_with_advice(message)),
        file=file,
        line=line,
        column=column,
        rule=error["code"] or error["type"],
    )


def _with_advice(message: str) -> str:
    """Adds to the error of an installed package what its absent dependency means."""
    found = _UNINSTALLED.search(message)
    if found is None:
        return message
    name, owner = found["name"], found["owner"]
    advice = f"make the lock again, or add {name} to the manifest"
    return f"{owner} imports {name}, which the lock does not install for it: {advice}"


def absent_binary(text: str) -> str:
    """Returns which package of this platform the locked packages lack, or an empty text.

    A lock that was made on another platform may have only the native parts of that platform.
    """
    if not _UNBOUND.search(text):
        return ""
    found = next(_BINARY.finditer(text), None)
    if found is None:
        return "the lock has no native package for this platform: make it again without node_modules"
    name = found["name"] or f"package of {found['module']} for {found['platform']}"
    return f"the lock has no {name}, the native package for this platform: make it again without node_modules"


def drawn(text: str, mapper: PathMapper, tool: str) -> list[Diagnostic]:
    """Returns the findings that rolldown draws: a message above a frame with file, line and column."""
    return [
        Diagnostic(
            tool=tool,
            message=shortened(match["message"]),
            file=mapper.own(match["path"]),
            line=int(match["line"]),
            column=int(match["column"]),
            # Rolldown prints its code in brackets, but a plugin prints its name there.
            rule=match["rule"] if match["rule"] and match["rule"].isupper() else None,
        )
        for match in _DRAWN.finditer(text)
    ]


def esbuild(output: ToolOutput, tool: str) -> Iterator[tuple[Diagnostic, str]]:
    """Yields the messages of esbuild and wrangler marked with ERROR or WARNING, each with the text below it."""
    for match in _ESBUILD.finditer(output.text):
        place = _ESBUILD_PLACE.search(match["body"])
        finding = Diagnostic(
            tool=tool,
            message=shortened(match["message"]),
            severity=Severity.ERROR if match["level"] == "ERROR" else Severity.WARNING,
        )
        if place:
            # esbuild counts columns from 0.
            file, column = output.mapper.relative(place["path"]), int(place["column"]) + 1
            finding = replace(finding, file=file, line=int(place["line"]), column=column)
        yield finding, match["body"]
