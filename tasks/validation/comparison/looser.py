"""Which changes of a tool's settings make it find less. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.validation.comparison.tool_settings import Flat

_MYPY_ON = (
    r"strict|strict_\w+|disallow_\w+|warn_\w+|check_untyped_defs|no_implicit_\w+|extra_checks|local_partial_types"
    r"|enable_error_code"
)
_TS_ON = (
    r"strict|strict\w+|noImplicit\w+|noUnused\w+|noUnchecked\w+|noFallthrough\w+|noPropertyAccess\w+|exactOptional\w+"
    r"|useUnknownInCatchVariables|alwaysStrict|checkJs|noEmitOnError"
)
_PYTEST_STRICT = (
    "--strict-markers",
    "--strict-config",
    "--strict",
    "-W error",
    "--cov-fail-under",
    "--runxfail",
    "--cov",
)
_PYTEST_LOOSE = (
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "-k",
    "-m",
    "-W ignore",
    "--disable-warnings",
    "--no-cov",
    "-x",
)
_LEVELS = {"off": 0, "0": 0, "warn": 1, "warning": 1, "info": 1, "1": 1, "error": 2, "2": 2, "on": 2}
Said = Iterator[str]
"""What got looser, each in some words after the key."""


def _on(before: object, after: object) -> Said:
    """It makes the tool stricter if it is true."""
    if (before is True and after is not True) or (after is False and before is None):
        yield "is off"
    elif isinstance(before, list):
        yield from _fewer(before, after)


def _off(before: object, after: object) -> Said:
    """It makes the tool looser if it is true."""
    if after is True and before is not True:
        yield "is on"


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [str(each) for each in value] if isinstance(value, list) else []


def _fewer(before: object, after: object) -> Said:
    """A list of what is checked. A longer code is part of a shorter one: `E` has `E501`."""
    now = _words(after)
    lost = [] if "ALL" in now else [each for each in _words(before) if not any(map(each.startswith, now))]
    if lost:
        yield f"lacks {', '.join(f'`{each}`' for each in lost[:5])}"


def _more(before: object, after: object) -> Said:
    """A list of what is left out."""
    had = _words(before)
    new = [each for each in _words(after) if not any(map(each.startswith, had))]
    if new:
        yield f"has {', '.join(f'`{each}`' for each in new[:5])}{' as well' if had else ''}"


def _raised(before: object, after: object) -> Said:
    yield from _moved(before, after, 1)


def _lowered(before: object, after: object) -> Said:
    yield from _moved(before, after, -1)


def _moved(before: object, after: object, direction: int) -> Said:
    if not _is_number(before):
        return
    if after is None:
        yield f"is gone (it was {before})"
    elif _is_number(after) and (after - before) * direction > 0:  # type: ignore[operator]
        yield f"is {after} instead of {before}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _milder(before: object, after: object) -> Said:
    """The level of a rule of a linter. A rule that is not named has the level of a preset: that is unknown."""
    was, now = _level(before), _level(after)
    if now is not None and now < (2 if was is None else was):
        yield f"is {('off', 'a warning')[now]}"
    elif was == 2 and after is None:
        yield "is gone"


def _level(value: object) -> int | None:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, bool):
        return None
    return _LEVELS.get(str(first).lower()) if isinstance(first, str | int) else None


def _options(before: object, after: object) -> Said:
    """The options of pytest."""
    was, now = _option_words(before), _option_words(after)
    for name in _PYTEST_STRICT:
        if name in was and name not in now:
            yield f"lacks `{name}`"
    for name in _PYTEST_LOOSE:
        if now.count(name) > was.count(name):
            yield f"has `{name}`"


def _option_words(value: object) -> list[str]:
    words = " ".join(_words(value) if isinstance(value, list) else [str(value or "")])
    words = re.sub(r"-W[ =]?[\"']?(error|ignore)\b", r"-W_\1", words)
    return [each.partition("=")[0].replace("-W_", "-W ") for each in words.split()]


def _warnings(before: object, after: object) -> Said:
    was, now = _lines(before), _lines(after)
    if "error" in was and "error" not in now:
        yield "lacks `error`"
    if new := [each for each in now if each.startswith("ignore") and each not in was]:
        yield f"has `{new[0]}`"


def _lines(value: object) -> list[str]:
    return [each.strip() for each in ([value] if isinstance(value, str) else _words(value))]


def _command(before: object, after: object) -> Said:
    """A script that checks: `|| true` is a mark of its own file."""
    if isinstance(before, str) and after is None:
        yield "is gone"
        return
    limits = [re.findall(r"--max-warnings[= ](\d+)", str(each or "")) for each in (before, after)]
    if limits[0] and (not limits[1] or int(limits[1][0]) > int(limits[0][0])):
        yield f"allows {limits[1][0] if limits[1] else 'all'} warnings instead of {limits[0][0]}"


def _gone(before: object, after: object) -> Said:
    if before is not None and after is None:
        yield "is gone"


def _allowed(before: object, after: object) -> Said:
    if after in {"optional", "unneeded", "off", "warn"} and after != before:
        yield f"is `{after}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A setting by its key, and how a change of it is judged."""

    key: re.Pattern[str]
    judge: Callable[[object, object], Said]
    kind: str = "configuration"


def _rule(key: str, judge: Callable[[object, object], Said], kind: str = "configuration") -> Rule:
    return Rule(key=re.compile(key), judge=judge, kind=kind)


RULES = (
    _rule(r"ruff\.(?:lint\.)?(?:extend-)?select", _fewer),
    _rule(r"ruff\.(?:lint\.)?(?:extend-)?ignore|ruff\.(?:lint\.)?(?:extend-)?per-file-ignores\..+", _more),
    _rule(r"ruff\.(?:lint\.|format\.)?(?:extend-)?exclude", _more),
    _rule(r"(?:ruff|black)\.(?:line-length|lint\.mccabe\.max-complexity|lint\.pylint\.max-[\w-]+)", _raised),
    _rule(r"flake8\.(?:extend-)?(?:ignore|exclude|per-file-ignores)", _more),
    _rule(r"flake8\.max-[\w-]+", _raised),
    _rule(rf"mypy\.(?:.+\.)?(?:{_MYPY_ON})", _on),
    _rule(
        r"mypy\.(?:.+\.)?(?:ignore_errors|ignore_missing_imports|allow_\w+|implicit_\w+|follow_imports_for_stubs)", _off
    ),
    _rule(r"mypy\.(?:.+\.)?(?:disable_error_code|exclude)", _more),
    _rule(r"pyright\.(?:exclude|ignore)", _more),
    _rule(r"pyright\.report\w+", _milder),
    _rule(r"pytest\.addopts", _options),
    _rule(r"pytest\.(?:testpaths|python_files|python_functions|python_classes)", _fewer),
    _rule(r"pytest\.norecursedirs", _more),
    _rule(r"pytest\.(?:xfail_strict|strict\w*)", _on),
    _rule(r"pytest\.filterwarnings", _warnings),
    _rule(r"coverage\.report\.fail_under", _lowered),
    _rule(r"coverage\.\w+\.(?:omit|exclude_lines|exclude_also)", _more),
    _rule(rf"tsconfig\.compilerOptions\.(?:{_TS_ON})", _on),
    _rule(r"tsconfig\.compilerOptions\.(?:skipLibCheck|allowUnreachableCode|allowUnusedLabels|suppress\w+)", _off),
    _rule(r"tsconfig\.exclude", _more),
    _rule(r"tsconfig\.include", _fewer),
    _rule(r"eslint\.(?:.*\.)?rules\..+", _milder),
    _rule(r"eslint\.(?:ignorePatterns|ignored)", _more),
    _rule(r"biome\.linter\.rules\..+", _milder),
    _rule(r"biome\.(?:linter|formatter)\.enabled", _on),
    _rule(
        r"package\.scripts\.(?:[\w-]+:)*(?:test|lint|check|types?|typecheck|type-check|tsc)(?:[:-][\w-]+)*",
        _command,
        "check_gone",
    ),
    _rule(r"package\.(?:vitest|jest)\.passWithNoTests", _off),
    _rule(r"pre-commit\.repos\..+\.hooks\.[^.]+\.id", _gone, "check_gone"),
    _rule(r"predeploy\.check\.[^.]+\.run", _gone, "check_gone"),
    _rule(r"predeploy\.(?:skip|exclude|only|stages)", _more),
    _rule(r"predeploy\.limits\..+", _raised),
    _rule(r"predeploy\.deploy_secrets\..+|predeploy\.weaker_gate", _allowed),
)


def looser(before: Flat, after: Flat) -> Iterator[tuple[str, str, str]]:
    """The kind, the key and the words for each setting that got looser.

    A tool whose settings are all new is not weaker. One whose settings are all gone is, in one line.
    """
    tools = {key.partition(".")[0] for key in before}
    left = {key.partition(".")[0] for key in after}
    judged = [(key, rule) for key in sorted({*before, *after}) for rule in RULES if rule.key.fullmatch(key)]
    for tool in sorted(tools - left):
        if any(key.startswith(f"{tool}.") for key, _ in judged):
            yield "configuration", tool, "has no settings any more"
    for key, rule in judged:
        if key.partition(".")[0] in tools & left:
            yield from ((rule.kind, key, said) for said in rule.judge(before.get(key), after.get(key)))
