"""Parser of the errors of a container engine that could not build a Dockerfile."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from tasks.diagnostics.dockerfile_text import is_run_of, sources_of, starts_from
from tasks.diagnostics.reading import Parsed, ToolOutput, items, last_line, shortened
from tasks.diagnostics.tracebacks import from_tracebacks
from tasks.discovery.image.instructions import Instruction, read_instructions
from tasks.models import Diagnostic

_HEAD = re.compile(r"\A# dockerfile (?P<path>[^\n]+)\n# begin\n(?P<text>.*?)^# end$\n?", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"\A# run (?P<argv>.*)$\n?", re.MULTILINE)
# prefixes of a message that are useless to a reader: the engine's own calls, and ids of its objects
_PREFIX = re.compile(
    r"^(?:failed to (?:load container from converted ID|clone built container state|convert Dockerfile to LLB"
    r"|convert Dockerfile LLB to Dagger ID|content hash dockerfile \w+(?: mount at \"[^\"]*\")?|get content hash"
    r"|copy source directory)"
    r"|load \w+@\S+|load [a-z0-9]+:[0-9a-f]+|inputs|llbtodagger|unsupported op \"\w+\" \(\S+\)): ?"
)
_TRACE = re.compile(r" ?\[traceparent:[^\]]*\]")
_SYNTAX = re.compile(r"dockerfile parse error on lines? (?P<line>\d+)(?:-\d+)?: (?P<message>.+)")
_PROCESS = re.compile(r'process "(?P<command>.+)" did not complete successfully: exit code: (?P<code>\d+)')
_EXIT = re.compile(r"^exit code: (?P<code>\d+)$")
_MISSING = re.compile(r"lstat /?(?P<name>.+): no such file or directory")
_BASES = (
    re.compile(r'failed to parse stage name "(?P<name>[^"]*)"'),
    re.compile(r"base name \((?P<name>.+)\) should not be blank"),
    re.compile(
        r"^(?P<name>[^\s\"]+): (?=\S+: not found|failed to|pull access denied|unexpected status|\S+: pull access)"
    ),
)
# Rule, possible instructions and pattern of other names in a message.
_NAMED = (
    ("user", ("USER",), re.compile(r"unable to find user (?P<name>[^\s:]+)")),
    ("user", ("COPY", "ADD"), re.compile(r"no such (?:user|group): (?P<name>\S+)")),
    ("stage", ("FROM",), re.compile(r"circular dependency detected on stage: (?P<name>\S+)")),
    ("mount", ("RUN",), re.compile(r'unsupported mount type "(?P<name>[^"]+)"')),
    ("mount", ("RUN",), re.compile(r'"/?(?P<name>[^"]+)": not found')),
    ("secret", ("RUN",), re.compile(r'secret "(?P<name>[^"]+)"')),
    ("download", ("ADD",), re.compile(r'^Get "(?P<name>[^"]+)"')),
    ("syntax", ("EXPOSE",), re.compile(r"invalid (?:containerPort|hostPort|proto): (?P<name>\S+)")),
)
_ARGUMENTS = re.compile(r"^(?P<word>[A-Z]+) (?:must have|requires) ")
_SHOWN = 80
_ADVICE = ". Name it in `secrets` of the component's image in predeploy.toml."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An error in a Dockerfile. `rule` is its kind."""

    rule: str
    message: str
    line: int | None = None


def dockerfile(output: ToolOutput) -> Parsed:
    """Reads the error of a build at its line of the Dockerfile, and a traceback of a RUN in the stack's files.

    Stderr begins with `# dockerfile PATH` (relative to the stack) and the Dockerfile's text between the lines `# begin`
    and `# end`. If a RUN failed, `# run ARGV` follows (its argv as JSON, `["/bin/sh", "-c", "…"]`). Then come the
    engine's message on one line, and the RUN's stderr. Stdout is the RUN's. Without that head the error has no place.
    """
    head = _HEAD.match(output.errors)
    body = output.errors[head.end() :] if head else output.errors
    run = _RUN.match(body)
    body = body[run.end() :] if run else body
    first, _, rest = body.lstrip("\n").partition("\n")
    message = essential(first)
    if not message:
        return Parsed()
    instructions = read_instructions(head["text"] if head else "")
    path = output.mapper.relative(head["path"]) if head else None
    found = _failed_run(message, run["argv"] if run else "", rest or output.stdout, instructions)
    found = found or _mistake(message, instructions)
    place = Diagnostic(
        tool="docker build", message=shortened(found.message), file=path, line=found.line, rule=found.rule
    )
    raised = from_tracebacks(output).diagnostics if found.rule == "run" else ()
    return Parsed(diagnostics=(place, *(each for each in raised if each.file)))


def essential(message: str) -> str:
    """Returns an engine's message without the prefixes of its own calls and the ids of objects."""
    text = _TRACE.sub("", message).strip()
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    return text


def _failed_run(message: str, argv: str, text: str, instructions: tuple[Instruction, ...]) -> Mistake | None:
    """Returns the error of a RUN that failed, with the last line of its output `text`; None for other errors."""
    process, code = _PROCESS.search(message), _EXIT.match(message)
    if not process and not code:
        return None
    words = _words(argv) or (("/bin/sh", "-c", process["command"].partition(" -c ")[2]) if process else ())
    run = next((each for each in instructions if is_run_of(each, words)), None)
    command = shortened(words[-1] if words[1:] and "-c" in words[:-1] else " ".join(words), _SHOWN)
    ended = f"exit code {process['code'] if process else code['code'] if code else ''}"
    parts = (f"RUN {command}".rstrip(), ended, last_line(text))
    return Mistake(rule="run", message=": ".join(part for part in parts if part), line=run.line if run else None)


def _mistake(message: str, instructions: tuple[Instruction, ...]) -> Mistake:
    """Returns an error in the Dockerfile, its build context or its arguments."""
    if syntax := _SYNTAX.search(message):
        return Mistake(rule="syntax", message=syntax["message"], line=int(syntax["line"]))
    if missing := _MISSING.search(message):
        return _missing(missing["name"], instructions)
    for pattern in _BASES:
        if base := pattern.search(message):
            return Mistake(rule="base_image", message=message, line=_line(instructions, starts_from, base["name"]))
    for rule, words, pattern in _NAMED:
        if named := pattern.search(message):
            advice = _ADVICE if rule == "secret" else ""
            return Mistake(rule=rule, message=message + advice, line=_line(instructions, _holds(words), named["name"]))
    if arguments := _ARGUMENTS.search(message):
        lines = [each.line for each in sorted(instructions, key=_length) if each.word == arguments["word"]]
        return Mistake(rule="syntax", message=message, line=lines[0] if lines else None)
    rule, line = _unnamed(message, instructions)
    return Mistake(rule=rule, message=message, line=line)


def _missing(name: str, instructions: tuple[Instruction, ...]) -> Mistake:
    """Returns the error of a COPY whose source does not exist: the COPY of exactly that path, else of one above it."""
    copies = [
        (each, written, place)
        for each in instructions
        if each.word in {"COPY", "ADD"}
        for written, place in sources_of(each)
    ]
    exact = [copy for copy in copies if copy[2] == f"/{name}"]
    above = [copy for copy in copies if f"/{name}".startswith(f"{copy[2].rstrip('/')}/")]
    if not exact and not above:
        return Mistake(rule="copy", message=f"COPY {name}: there is no such file")
    copy, written, _ = (*exact, *above)[0]
    why = "there is no such file in the build's context, or .dockerignore leaves it out"
    if "--from=" in copy.rest:
        why = "there is no such file where it is copied from"
    elif written.startswith(".."):
        why = "files outside of the build's context cannot be copied"
    return Mistake(rule="copy", message=f"{copy.word} {written}: {why}", line=copy.line)


def _unnamed(message: str, instructions: tuple[Instruction, ...]) -> tuple[str, int | None]:
    """Returns rule and line of an error whose message has no name."""
    if "unterminated heredoc" in message:  # the last instruction contains the rest of the file
        return "syntax", instructions[-1].line if instructions else None
    if "no build stage in current context" in message:
        return "syntax", next((each.line for each in instructions if each.word != "ARG"), None)
    return ("target" if message.startswith("target stage") else "dockerfile"), None


def _line(instructions: tuple[Instruction, ...], concerns: Callable[[Instruction, str], bool], name: str) -> int | None:
    return next((each.line for each in instructions if concerns(each, name)), None)


def _holds(words: tuple[str, ...]) -> Callable[[Instruction, str], bool]:
    def concerns(instruction: Instruction, name: str) -> bool:
        found = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", instruction.rest)
        return instruction.word in words and found is not None

    return concerns


def _length(instruction: Instruction) -> int:
    return len(instruction.rest)


def _words(argv: str) -> tuple[str, ...]:
    try:
        return tuple(str(word) for word in items(json.loads(argv)))
    except (ValueError, RecursionError):
        return ()
