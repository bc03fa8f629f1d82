"""Parser of a Worker's output: errors with their stack traces. predeploy's server has mapped them to the sources."""

import re
from collections.abc import Iterator

from tasks.diagnostics.javascript import stack_place
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, shortened
from tasks.models import Diagnostic

LIMIT = 5
_FRAME = r"\n[ \t]+at \S.*"
_IMPORTER = re.compile(r"\n[ \t]+imported from \"(?P<name>[^\"\n]+)\"")
# A thrown error, or a printed text with an error in it, then the error's frames.
_ERROR = re.compile(
    rf"^(?P<before>.*?)\b(?P<type>[A-Z]\w*(?:Error|Exception)|Error): (?P<message>.+)(?P<frames>(?:{_FRAME})*)",
    re.MULTILINE,
)


def worker(output: ToolOutput) -> Parsed:
    """Reads the first errors. Uncaught errors come before printed ones."""
    found = sorted(_errors(output), key=lambda each: not each[0])
    return Parsed(diagnostics=deduplicated(finding for _, finding in found[:LIMIT]))


def _errors(output: ToolOutput) -> Iterator[tuple[bool, Diagnostic]]:
    for match in _ERROR.finditer(output.text):
        uncaught = match["before"].startswith("Uncaught")
        if match["before"].startswith((" ", "\t")) or not (match["frames"] or uncaught):
            continue  # the cause of another error, or a word in a sentence
        file, line, column = stack_place(match["frames"].replace(" {", ""), output.mapper)
        importer = _IMPORTER.match(output.text, match.end())
        imported = f" (imported from {importer['name']})" if importer else ""
        yield (
            uncaught,
            Diagnostic(
                tool="worker",
                message=shortened(f"{match['type']}: {match['message']}{imported}"),
                file=file,
                line=line,
                column=column,
                rule=match["type"],
            ),
        )
