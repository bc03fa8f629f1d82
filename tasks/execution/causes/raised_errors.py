"""Collects the errors that ended a program, as texts that can be compared with known causes. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.diagnostics.reading import plain_text
from tasks.diagnostics.tracebacks import Trace, traces
from tasks.exits import Exit
from tasks.models import Diagnostic, Severity
from tasks.steps import Command

LISTING = frozenset({"pytest", "mypy"})
"""Parsers that read one finding for each of many errors."""
_TAIL = 4000
_RAISED = re.compile(r"[\w.]+(?:Error|Exception|ImproperlyConfigured)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedError:
    """An error with its causes: a line `Type: message` for each exception. `paths` are the files of its frames.

    `is_whole` is False if only a line of a report is known, without frames.
    """

    text: str
    paths: tuple[str, ...] = ()
    source: str = ""
    is_whole: bool = True


def raised_errors(
    command: Command, exit: Exit, diagnostics: Sequence[Diagnostic], outputs: Sequence[str], *, runs_tests: bool
) -> tuple[RaisedError, ...]:
    """Returns every error that the failure may come of. `outputs` are those of the servers that count.

    A program ends by its last traceback. A tool that lists errors, or a runner of tests, has failed by each of them.
    """
    if command.parser in LISTING:
        errors = [each for each in diagnostics if each.severity is Severity.ERROR]
        return tuple(RaisedError(text=f"{each.rule}: {each.message}", is_whole=False) for each in errors)
    for text in (exit.stderr, exit.stdout, *outputs):
        chains = list(_chains(traces(plain_text(text))))
        if chains:
            return tuple(_error(chain) for chain in (chains if runs_tests else chains[-1:]))
    outside = [each for each in diagnostics if each.severity is Severity.ERROR]
    if command.parser == "vitest" and outside and not any(each.file for each in outside):
        # errors outside of tests: the end of the output has only their frames
        return tuple(RaisedError(text=each.message, is_whole=False) for each in outside)
    tail = plain_text(exit.stdout)[-_TAIL:] + "\n" + plain_text(exit.stderr)[-_TAIL:]
    return (RaisedError(text=tail, is_whole=False),)


def _chains(found: list[Trace]) -> Iterator[list[Trace]]:
    """Yields the tracebacks by error: each error with the exceptions that it came of."""
    chain: list[Trace] = []
    for trace in found:
        if chain and not trace.chained:
            yield chain
            chain = []
        chain.append(trace)
    if chain:
        yield chain


def _error(chain: list[Trace]) -> RaisedError:
    lines = [line for trace in chain for line in (f"{trace.type}: {trace.message}", *trace.notes)]
    paths = tuple(path for trace in chain for path, _ in trace.frames)
    return RaisedError(text="\n".join(lines), paths=paths, source=chain[-1].source)


def first_line_of(error: RaisedError) -> str:
    """The last exception of an error on one line."""
    lines = [line.strip() for line in error.text.splitlines() if line.strip()]
    raised = [line for line in lines if _RAISED.match(line)]
    return (raised or lines or [""])[-1]
