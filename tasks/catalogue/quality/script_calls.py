"""Finds how scripts of a package call a tool: variables, and words that choose files and configuration. Pure."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tasks.discovery.worker.deploy_words import program_of

# Scripts that do something else than the check: they change files, watch them, or measure.
_OTHER = re.compile(r"fix|watch|ui|coverage|bench|update|debug|dev|format|staged")
_SPLIT = re.compile(r"&&|\|\||;")
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_SETTERS = frozenset({"env", "cross-env", "cross-env-shell", "npx", "bunx", "exec", "pnpm", "npm", "yarn"})
"""Programs that may stand before a variable of a command."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptCall:
    """The call of a tool. `env` are the variables that the command itself sets."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


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


def called_with(words: CallWords, scripts: Mapping[str, str]) -> ScriptCall:
    """Returns how the likeliest script calls a tool; an empty call if none does."""
    order = sorted(scripts, key=lambda name: (name != words.name, not name.startswith(words.name), name))
    for name in order:
        if not _OTHER.search(name):
            for part in _SPLIT.split(scripts[name]):
                if (found := _read(words, part)) is not None:
                    return found
    return ScriptCall()


def _read(words: CallWords, part: str) -> ScriptCall | None:
    """Returns the call of one command; None if it is another one, or a shell completes it."""
    try:
        given = shlex.split(part)
    except ValueError:
        return None
    env = _assigned(given)
    program, arguments = program_of(given[_leading(given) :])
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
    return ScriptCall(options=tuple(options), paths=tuple(paths), env=env)


def _leading(given: Sequence[str]) -> int:
    """Returns the number of variables at the beginning of a command."""
    return next((at for at, word in enumerate(given) if not _ASSIGNED.fullmatch(word)), len(given))


def _assigned(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Returns the variables before the program of a command: `TZ=UTC vitest`, `cross-env CI=1 vitest`."""
    found: dict[str, str] = {}
    for word in given:
        if match := _ASSIGNED.fullmatch(word):
            found[match["name"]] = match["value"]
        elif word not in _SETTERS:
            break
    return tuple(sorted(found.items()))
