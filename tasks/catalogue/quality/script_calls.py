"""Finds how scripts of a package call a tool: the words that choose files and configuration. Pure."""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tasks.discovery.worker.deploy_words import program_of

# Scripts that do something else than the check: they change files, watch them, or measure.
_OTHER = re.compile(r"fix|watch|ui|coverage|bench|update|debug|dev|format|staged")
_SPLIT = re.compile(r"&&|\|\||;")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWords:
    """The words of a tool's call that count: options with a value, plain options, and words that are no paths.

    `dropped` are options with a value that do not count, such as those for caches and formats.
    """

    program: str
    name: str
    valued: Collection[str]
    plain: Collection[str] = ()
    commands: Collection[str] = ()
    dropped: Collection[str] = ()


VITEST = CallWords(
    program="vitest",
    name="test",
    valued=(
        *("--config", "-c", "--root", "-r", "--dir", "--project", "--environment", "--mode", "--exclude", "--pool"),
        *("--testTimeout", "--test-timeout", "--hookTimeout", "--hook-timeout", "--testNamePattern", "-t", "--retry"),
    ),
    plain=("--globals", "--no-isolate", "--no-file-parallelism", "--passWithNoTests"),
    commands=("run", "watch", "dev"),
    dropped=("--reporter", "--outputFile", "--maxWorkers", "--minWorkers", "--shard", "--bail", "--silent"),
)
ESLINT = CallWords(
    program="eslint",
    name="lint",
    valued=(
        *("--config", "-c", "--ext", "--max-warnings", "--ignore-pattern", "--ignore-path", "--rulesdir", "--rule"),
        *("--env", "--global", "--parser", "--parser-options", "--plugin", "--resolve-plugins-relative-to", "--flag"),
        *("--report-unused-disable-directives-severity", "--suppressions-location"),
    ),
    plain=(
        *("--quiet", "--no-eslintrc", "--no-inline-config", "--report-unused-disable-directives"),
        *("--no-error-on-unmatched-pattern", "--no-warn-ignored"),
    ),
    dropped=(
        *("--cache-location", "--cache-file", "--cache-strategy", "--format", "-f", "--output-file", "-o"),
        *("--fix-type", "--concurrency"),
    ),
)


def called_with(words: CallWords, scripts: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the options and the paths with which the likeliest script calls a tool; empty ones if none does."""
    order = sorted(scripts, key=lambda name: (name != words.name, not name.startswith(words.name), name))
    for name in order:
        if not _OTHER.search(name):
            for part in _SPLIT.split(scripts[name]):
                if (found := _read(words, part)) is not None:
                    return found
    return (), ()


def _read(words: CallWords, part: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Returns the options and paths of one command; None if it is another one, or a shell completes it."""
    try:
        program, arguments = program_of(shlex.split(part))
    except ValueError:
        return None
    if program != words.program or re.search(r"[$`<>|]", part):
        return None
    options: list[str] = []
    paths: list[str] = []
    rest = [*arguments]
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if name in words.valued:
            options += [word] if equals else [word, *rest[:1]]
            rest = rest if equals else rest[1:]
        elif word in words.dropped:
            rest = rest[1:]
        elif word in words.plain:
            options.append(word)
        elif not word.startswith("-") and word not in words.commands:
            paths.append(word)
    return tuple(options), tuple(paths)
