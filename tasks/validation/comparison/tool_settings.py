"""Reads the settings of tools from all the files that may hold them, under one name each. Pure."""

import configparser
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from tasks.discovery.documents import BrokenDocumentError, parse_json, parse_toml, parse_yaml

Flat = dict[str, object]
"""Values by their dotted keys: `mypy.strict`, `ruff.lint.select`."""
_DEEPEST = 12
_NAMES = ("name", "id", "module", "repo", "files")
"""The keys by which a table of a list is known."""


def _ini(text: str) -> Mapping[str, object]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise BrokenDocumentError(str(error)) from error
    return {name: {key: _ini_value(value) for key, value in parser.items(name)} for name in parser.sections()}


def _ini_value(value: str | None) -> object:
    words = (value or "").strip()
    if words.lower() in {"true", "yes", "on"}:
        return True
    if words.lower() in {"false", "no", "off"}:
        return False
    if re.fullmatch(r"\d+", words):
        return int(words[:9])
    return [each.strip() for each in re.split(r"[,\n]", words) if each.strip()] if re.search(r"[,\n]", words) else words


def _lines(text: str) -> Mapping[str, object]:
    return {"ignored": [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]}


_FILES: tuple[tuple[str, Callable[[str], Mapping[str, object]], str], ...] = (
    (r"pyproject\.toml", parse_toml, ""),
    (r"\.?ruff\.toml", parse_toml, "ruff"),
    (r"predeploy\.toml", parse_toml, "predeploy"),
    (r"\.?mypy\.ini|setup\.cfg|tox\.ini|pytest\.ini|\.coveragerc|\.flake8", _ini, ""),
    (r"tsconfig[\w.-]*\.json", parse_json, "tsconfig"),
    (r"\.eslintrc(?:\.json)?", parse_json, "eslint"),
    (r"\.eslintignore", _lines, "eslint"),
    (r"package\.json", parse_json, "package"),
    (r"biome\.jsonc?", parse_json, "biome"),
    (r"\.oxlintrc\.json", parse_json, "eslint"),
    (r"pyrightconfig\.json", parse_json, "pyright"),
    (r"\.pre-commit-config\.ya?ml", parse_yaml, "pre-commit"),
)
_SAME = (
    (re.compile(r"^tool\."), ""),
    (re.compile(r"^tool:pytest\."), "pytest."),
    (re.compile(r"^pytest\.ini_options\."), "pytest."),
    (re.compile(r"^mypy-([^.]+(?:\.[^.]+)*)\.(?=\w+$)"), r"mypy.overrides.\1."),
    (re.compile(r"^(?:coverage:)?(run|report)\."), r"coverage.\1."),
    (re.compile(r"^package\.eslintConfig\."), "eslint."),
)
"""Different names of one setting."""


def settings_of(path: str, text: str) -> Flat:
    """The settings in a file; none if it is no file of settings, or broken: then its tool says so."""
    name = posixpath.basename(path)
    for pattern, parse, prefix in _FILES:
        if re.fullmatch(pattern, name):
            try:
                document = parse(text)
            except BrokenDocumentError:
                return {}
            return {_named(key): value for key, value in _flat(document, prefix, 0)}
    return {}


def is_settings(path: str) -> bool:
    """Whether a file has settings of tools."""
    return any(re.fullmatch(pattern, posixpath.basename(path)) for pattern, _, _ in _FILES)


def _named(key: str) -> str:
    for pattern, name in _SAME:
        key = pattern.sub(name, key)
    return key


def _flat(value: object, key: str, depth: int) -> Iterator[tuple[str, object]]:
    """The values below a key. Tables of a list are known by their names, other lists are values."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name), depth + 1)
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for place, each in enumerate(value):
            named = next((each[known] for known in _NAMES if known in each), place)
            for name in named if isinstance(named, list) else [named]:
                yield from _flat(each, f"{key}.{name}", depth + 1)
    else:
        yield key, value
