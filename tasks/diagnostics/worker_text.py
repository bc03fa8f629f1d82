"""What a Worker prints: its errors with their stacks, whose places our server has found in its sources."""

import re
from collections.abc import Iterator

from tasks.diagnostics.javascript import stack_place
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, shortened
from tasks.models import Diagnostic

MOST = 5
_FRAME = r"\n[ \t]+at \S.*"
# What was thrown, or what was printed with an error behind it; then its frames.
_ERROR = re.compile(
    rf"^(?P<before>.*?)\b(?P<type>[A-Z]\w*(?:Error|Exception)|Error): (?P<message>.+)(?P<frames>(?:{_FRAME})*)",
    re.MULTILINE,
)


def worker(output: ToolOutput) -> Parsed:
    """The first errors: one that nobody caught tells more than one that was printed."""
    found = sorted(_errors(output), key=lambda each: not each[0])
    return Parsed(diagnostics=deduplicated(finding for _, finding in found[:MOST]))


def _errors(output: ToolOutput) -> Iterator[tuple[bool, Diagnostic]]:
    for match in _ERROR.finditer(output.text):
        uncaught = match["before"].startswith("Uncaught")
        if match["before"].startswith((" ", "\t")) or not (match["frames"] or uncaught):
            continue  # an error inside of another one, or a word of a sentence
        file, line, column = stack_place(match["frames"].replace(" {", ""), output.mapper)
        yield (
            uncaught,
            Diagnostic(
                tool="worker",
                message=shortened(f"{match['type']}: {match['message']}"),
                file=file,
                line=line,
                column=column,
                rule=match["type"],
            ),
        )
