"""Parser of Python tracebacks: the exception, and the line in the stack's files that raised it."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, shortened
from tasks.models import Diagnostic

_HEADER = re.compile(r"^(?P<indent>\s*)(?:Exception Group )?Traceback \(most recent call last\):$")
_FRAME = re.compile(r'^(?P<indent>\s*)File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_CRASH_FRAME = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+) in .+$', re.MULTILINE)
_CRASH = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: ?(?P<message>.*))?$")
_NO_FILE = re.compile(r"can't open file '(?P<path>[^']+)': (?:\[Errno \d+\] )?(?P<message>.+)$", re.MULTILINE)
_GUTTER = re.compile(r"^(?:INTERNALERROR> ?|\[11ty\] )|^ {2,}[|+] ?(?=\S| )")
_VALIDATION = re.compile(r"\d+ validation errors? for ")
HALTED = "HaltServer"
_CHAIN = ("The above exception was the direct cause", "During handling of the above exception")


@dataclass(slots=True, kw_only=True)
class Trace:
    """One traceback: its frames (path and line, the deepest last) and the exception."""

    frames: list[tuple[str, int]] = field(default_factory=list)
    indent: int = 0
    type: str = ""
    message: str = ""
    notes: list[str] = field(default_factory=list)
    source: str = ""
    chained: bool = False

    @property
    def name(self) -> str:
        """The exception's class, without its module."""
        return self.type.rpartition(".")[2]


def traces(text: str) -> list[Trace]:
    """Returns every traceback in the text, in order. The last one ended the program.

    That of gunicorn's end is left out: it comes after the error of a worker, and says less.
    """
    found: list[Trace] = []
    current: Trace | None = None
    chained = False
    for raw in text.splitlines():
        line = _GUTTER.sub("", raw)
        header, frame = _HEADER.match(line), _FRAME.match(line)
        if header:
            current = Trace(indent=len(header["indent"]), chained=chained)
            found.append(current)
            chained = False
        elif frame:
            if current is None or current.type:
                # Python prints no header for a script that it cannot compile.
                current = Trace(indent=max(len(frame["indent"]) - 2, 0))
                found.append(current)
            current.frames.append((frame["path"], int(frame["line"])))
            current.source = ""
        elif line.strip().startswith(_CHAIN):
            chained, current = True, None
        elif current is not None:
            current = _read(current, line)
    whole = [trace for trace in found if trace.type or trace.frames]
    return [trace for trace in whole if trace.name != HALTED] or whole


def _read(trace: Trace, line: str) -> Trace | None:
    """Adds one line to a traceback. Returns None if the line ends it."""
    text = line.strip()
    depth = len(line) - len(line.lstrip())
    if trace.type:
        trace.notes.append(text)
        return trace if text else None
    if not text:
        return trace if not trace.frames else None
    if depth > trace.indent:
        trace.source = trace.source or text
        return trace
    raised = _RAISED.match(text)
    trace.type, trace.message = (raised["type"], raised["message"] or "") if raised else ("Exception", text)
    return trace


def place(found: list[Trace], mapper: PathMapper) -> tuple[str | None, int | None]:
    """Returns file and line of the deepest frame in the stack's files, in the last traceback or in its causes.

    A frame of manage.py counts only if it is the deepest of all, because manage.py is part of every traceback.
    """
    for index in range(len(found) - 1, -1, -1):
        trace = found[index]
        own = [(mapper.own(path), line) for path, line in trace.frames]
        for position, (file, line) in reversed(list(enumerate(own))):
            starts = file is not None and file.rpartition("/")[2] == "manage.py" and position < len(own) - 1
            if file and not starts:
                return file, line
        if not trace.chained:
            break
    return None, None


def from_trace(found: list[Trace], mapper: PathMapper, tool: str) -> Diagnostic | None:
    """Returns the exception of the last traceback, or None if there is none."""
    if not found:
        return None
    last = found[-1]
    if not last.type:
        return None
    file, line = place(found, mapper)
    message = last.message
    if last.name in {"SyntaxError", "IndentationError", "TabError"} and last.source:
        message = f"{message}: {last.source}"
    if not message or last.type.endswith("ExceptionGroup"):
        message = " ".join([message, *(note for note in last.notes if note and not note.startswith(("-", "+")))][:2])
    message = with_fields(message, last.notes)
    return Diagnostic(tool=tool, message=shortened(message) or last.name, file=file, line=line, rule=last.name or None)


def with_fields(message: str, notes: list[str]) -> str:
    """Returns the message of a pydantic error with its fields: `1 validation error for Settings: KEY: Field required`.

    A field is a line of its own, and its error is the line below, with details in brackets.
    """
    if not _VALIDATION.search(message):
        return message
    errors = [
        f"{field}: {error.partition(' [type=')[0]}"
        for field, error in pairwise(notes)
        if " [type=" in error and not field.startswith("For further")
    ]
    return ": ".join([message, "; ".join(errors)]) if errors else message


def from_tracebacks(output: ToolOutput) -> Parsed:
    """Reads the traceback that ended a Python program: the last one on stderr, else on stdout."""
    mapper = output.mapper
    for text in (output.stderr, output.stdout):
        found = from_trace(traces(text), mapper, "python")
        if found:
            return Parsed(diagnostics=(found,))
    crash = _CRASH.search(output.stderr)
    if crash:
        # A crash has its deepest frame first.
        frames = [(mapper.own(frame["path"]), int(frame["line"])) for frame in _CRASH_FRAME.finditer(output.stderr)]
        file, line = next(((file, line) for file, line in frames if file), (None, None))
        message = f"Fatal Python error: {crash[1]}"
        return Parsed(diagnostics=(Diagnostic(tool="python", message=message, file=file, line=line, rule="crash"),))
    absent = _NO_FILE.search(output.stderr)
    if absent:
        file = mapper.relative(absent["path"])
        return Parsed(diagnostics=(Diagnostic(tool="python", message=absent["message"], file=file, rule="no_file"),))
    return Parsed()
